/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/tpm2/quote.h"
#include "ports/tpm2/pcr.h"
#include "rota/base/mem.h"
#include "rota/base/writer.h"
#include "rota/crypto/factory.h"

struct parts {
	TPM2B_ATTEST *attest;
	uint8_t sig[ROTA_P256_SIG_LEN];
	uint8_t point[ROTA_P256_KEY_LEN];
	uint8_t vouched[ROTA_P256_SIG_LEN];
};

static enum rota_err make_key(const struct rota_tpm2 *tpm, ESYS_TR *key, TPM2B_PUBLIC **public)
{
	const TPM2B_SENSITIVE_CREATE sensitive = { .size = 0 };
	const TPML_PCR_SELECTION no_pcrs = { .count = 0 };
	const TPM2B_DATA no_data = { .size = 0 };

	return rota_tpm2_err(Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD,
		ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &rota_tpm2_quote_template, &no_data,
		&no_pcrs, key, public, NULL, NULL, NULL));
}

static enum rota_err ask(const struct rota_tpm2 *tpm, ESYS_TR key, const uint8_t nonce[static 32],
	uint32_t pcrs, struct parts *out)
{
	const TPML_PCR_SELECTION selection = {
		.count = 1,
		.pcrSelections = { {
			.hash = TPM2_ALG_SHA256,
			.sizeofSelect = 3,
			.pcrSelect = { (uint8_t)pcrs, (uint8_t)(pcrs >> 8), (uint8_t)(pcrs >> 16) },
		} },
	};
	const TPMT_SIG_SCHEME own = { .scheme = TPM2_ALG_NULL };
	TPM2B_DATA data = { .size = 32 };
	TPMT_SIGNATURE *sig = NULL;
	enum rota_err err;

	memcpy(data.buffer, nonce, 32);
	ROTA_TRY(rota_tpm2_err(Esys_Quote(tpm->esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE, &data, &own, &selection, &out->attest, &sig)));
	err = rota_tpm2_signature(sig, out->sig);
	Esys_Free(sig);
	return err;
}

static enum rota_err vouch(const struct rota_tpm2 *tpm, const struct rota_crypto *crypto,
	const TPMT_PUBLIC *public, uint8_t sig[static ROTA_P256_SIG_LEN])
{
	uint8_t name[ROTA_ROM_ROOT_NAME_LEN], digest[ROTA_SHA256_LEN];

	ROTA_TRY(rota_tpm2_name(public, crypto, name));
	rota_factory_digest(crypto, ROTA_SPAN(name), digest);
	return rota_tpm2_pair_sign(tpm, ROTA_ROT_IDENTITY, digest, sig);
}

static enum rota_err gather(const struct rota_tpm2 *tpm, const struct rota_crypto *crypto,
	const uint8_t nonce[static 32], uint32_t pcrs, struct parts *out)
{
	TPM2B_PUBLIC *public = NULL;
	enum rota_err err;
	ESYS_TR key;

	ROTA_TRY(make_key(tpm, &key, &public));
	err = ask(tpm, key, nonce, pcrs, out);
	(void)Esys_FlushContext(tpm->esys, key);
	if (err == ROTA_OK)
		err = rota_tpm2_point(&public->publicArea.unique.ecc, out->point);
	if (err == ROTA_OK)
		err = vouch(tpm, crypto, &public->publicArea, out->vouched);
	Esys_Free(public);
	return err;
}

static enum rota_err put_together(
	const struct parts *parts, struct rota_buf room, struct rota_span *out)
{
	struct rota_writer w = rota_writer(room);

	rota_write_le16(&w, parts->attest->size);
	rota_write_span(&w, rota_span(parts->attest->attestationData, parts->attest->size));
	rota_write_span(&w, ROTA_SPAN(parts->sig));
	rota_write_span(&w, ROTA_SPAN(parts->point));
	rota_write_span(&w, ROTA_SPAN(parts->vouched));
	return rota_writer_end(&w, out);
}

enum rota_err rota_tpm2_quote(const struct rota_tpm2 *tpm, const struct rota_crypto *crypto,
	const uint8_t nonce[static 32], uint32_t pcrs, struct rota_buf room, struct rota_span *out)
{
	struct parts parts = { .attest = NULL };
	enum rota_err err;

	if (pcrs == 0 || pcrs >> (ROTA_PCR_MAX + 1) != 0)
		return ROTA_ERR_ARGUMENT;
	err = gather(tpm, crypto, nonce, pcrs, &parts);
	if (err == ROTA_OK)
		err = put_together(&parts, room, out);
	Esys_Free(parts.attest);
	return err;
}
