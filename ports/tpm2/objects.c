/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/tpm2/objects.h"
#include "rota/base/mem.h"

#include <tss2/tss2_mu.h>

#define OURS                                                                                       \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |        \
		TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA)

#define TEMPLATE(attributes, cipher, signing)                                                        \
	{                                                                                            \
		.publicArea = {                                                                    \
			.type = TPM2_ALG_ECC,                                                      \
			.nameAlg = TPM2_ALG_SHA256,                                                \
			.objectAttributes = OURS | (attributes),                                   \
			.parameters.eccDetail = {                                                  \
				.symmetric = cipher,                                               \
				.scheme = signing,                                                 \
				.curveID = TPM2_ECC_NIST_P256,                                     \
				.kdf = { .scheme = TPM2_ALG_NULL },                                \
			},                                                                         \
		}, \
	}

#define NO_CIPHER                                                                                  \
	{                                                                                          \
		.algorithm = TPM2_ALG_NULL                                                         \
	}
#define AES_CFB                                                                                    \
	{                                                                                          \
		.algorithm = TPM2_ALG_AES, .keyBits = { .aes = 128 },                              \
		.mode = { .aes = TPM2_ALG_CFB },                                                   \
	}
#define NO_SCHEME                                                                                  \
	{                                                                                          \
		.scheme = TPM2_ALG_NULL                                                            \
	}
#define ECDSA                                                                                      \
	{                                                                                          \
		.scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256                 \
	}
#define ECDH                                                                                       \
	{                                                                                          \
		.scheme = TPM2_ALG_ECDH, .details.ecdh.hashAlg = TPM2_ALG_SHA256                   \
	}

const TPM2B_PUBLIC rota_tpm2_root_template =
	TEMPLATE(TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT, AES_CFB, NO_SCHEME);
const TPM2B_PUBLIC rota_tpm2_sign_template = TEMPLATE(TPMA_OBJECT_SIGN_ENCRYPT, NO_CIPHER, ECDSA);
const TPM2B_PUBLIC rota_tpm2_agree_template = TEMPLATE(TPMA_OBJECT_DECRYPT, NO_CIPHER, ECDH);
const TPM2B_PUBLIC rota_tpm2_quote_template =
	TEMPLATE(TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT, NO_CIPHER, ECDSA);

enum rota_err rota_tpm2_find(const struct rota_tpm2 *tpm, TPM2_HANDLE handle, ESYS_TR *object)
{
	return rota_tpm2_err(Esys_TR_FromTPMPublic(
		tpm->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, object));
}

static enum rota_err marshal(
	const TPMT_PUBLIC *public, uint8_t *bytes, size_t room, struct rota_span *out)
{
	size_t len = 0;

	if (Tss2_MU_TPMT_PUBLIC_Marshal(public, bytes, room, &len) != TSS2_RC_SUCCESS)
		return ROTA_ERR_CORRUPT;
	*out = rota_span(bytes, len);
	return ROTA_OK;
}

bool rota_tpm2_alike(const TPMT_PUBLIC *a, const TPMT_PUBLIC *b)
{
	uint8_t a_bytes[sizeof(TPMT_PUBLIC)], b_bytes[sizeof(TPMT_PUBLIC)];
	TPMT_PUBLIC x = *a, y = *b;
	struct rota_span a_span, b_span;

	x.unique.ecc = y.unique.ecc = (TPMS_ECC_POINT){ .x.size = 0 };
	return marshal(&x, a_bytes, sizeof(a_bytes), &a_span) == ROTA_OK &&
		marshal(&y, b_bytes, sizeof(b_bytes), &b_span) == ROTA_OK &&
		rota_span_eq(a_span, b_span);
}

enum rota_err rota_tpm2_name(const TPMT_PUBLIC *public, const struct rota_crypto *crypto,
	uint8_t name[static ROTA_ROM_ROOT_NAME_LEN])
{
	uint8_t bytes[sizeof(TPMT_PUBLIC)];
	struct rota_span marshalled;

	if (public->nameAlg != TPM2_ALG_SHA256)
		return ROTA_ERR_CORRUPT;
	ROTA_TRY(marshal(public, bytes, sizeof(bytes), &marshalled));
	name[0] = TPM2_ALG_SHA256 >> 8;
	name[1] = TPM2_ALG_SHA256 & 0xFF;
	rota_sha256_of(crypto, marshalled, &name[2]);
	return ROTA_OK;
}

enum rota_err rota_tpm2_number(const TPM2B_ECC_PARAMETER *from, uint8_t number[static 32])
{
	if (from->size > 32)
		return ROTA_ERR_IO;
	memset(number, 0, 32);
	memcpy(&number[32 - from->size], from->buffer, from->size);
	return ROTA_OK;
}

enum rota_err rota_tpm2_point(const TPMS_ECC_POINT *from, uint8_t point[static ROTA_P256_KEY_LEN])
{
	point[0] = 4;
	ROTA_TRY(rota_tpm2_number(&from->x, &point[1]));
	return rota_tpm2_number(&from->y, &point[33]);
}

enum rota_err rota_tpm2_signature(const TPMT_SIGNATURE *from, uint8_t sig[static ROTA_P256_SIG_LEN])
{
	if (from->sigAlg != TPM2_ALG_ECDSA)
		return ROTA_ERR_IO;
	ROTA_TRY(rota_tpm2_number(&from->signature.ecdsa.signatureR, sig));
	return rota_tpm2_number(&from->signature.ecdsa.signatureS, &sig[32]);
}
