/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pki/csr.h"
#include "host/pki/derout.h"
#include "host/sign/p256.h"
#include "rota/codec/der.h"

#include <string.h>

enum rota_err rota_spki_point(struct rota_span spki, uint8_t point[static ROTA_P256_KEY_LEN])
{
	uint8_t own[ROTA_P256_SPKI_LEN];
	EVP_PKEY *key;

	if (spki.len != sizeof(own))
		return ROTA_ERR_FORMAT;
	memcpy(point, spki.p + sizeof(own) - ROTA_P256_KEY_LEN, ROTA_P256_KEY_LEN);
	rota_p256_spki(point, own);
	if (!rota_span_eq(spki, ROTA_SPAN(own))) /* another algorithm or curve */
		return ROTA_ERR_FORMAT;
	key = rota_p256_pkey(point);
	EVP_PKEY_free(key);
	return key ? ROTA_OK : ROTA_ERR_FORMAT;
}

/* What is signed: version, subject, key, attributes. */
static enum rota_err read_info(struct rota_span content, uint8_t point[static ROTA_P256_KEY_LEN])
{
	static const uint8_t version_1[] = { 0 };
	struct rota_reader r = rota_reader(content);
	struct rota_span version = rota_der_read(&r, ROTA_DER_INTEGER);
	struct rota_der spki;

	(void)rota_der_read(&r, ROTA_DER_SEQUENCE); /* subject */
	spki = rota_der_next(&r);
	(void)rota_der_read(&r, ROTA_DER_EXPLICIT(0)); /* attributes */
	ROTA_TRY(rota_reader_end(&r));
	if (!rota_span_eq(version, ROTA_SPAN(version_1)) || spki.tag != ROTA_DER_SEQUENCE)
		return ROTA_ERR_FORMAT;
	return rota_spki_point(spki.whole, point);
}

static bool is_ecdsa(struct rota_span algorithm)
{
	struct rota_bytes own = { 0 };
	bool same;

	rota_der_add_ecdsa(&own);
	same = rota_span_eq(algorithm, rota_bytes_span(&own));
	rota_bytes_free(&own);
	return same;
}

enum rota_err rota_csr_read(struct rota_span der, uint8_t point[static ROTA_P256_KEY_LEN])
{
	struct rota_reader outer = rota_reader(der);
	struct rota_reader r = rota_reader(rota_der_read(&outer, ROTA_DER_SEQUENCE));
	struct rota_der info = rota_der_next(&r), algorithm = rota_der_next(&r);
	struct rota_span bits = rota_der_read_bits(&r);
	uint8_t sig[ROTA_P256_SIG_LEN], digest[ROTA_DIGEST_LEN];

	if (der.len > ROTA_CSR_MAX)
		return ROTA_ERR_LIMIT;
	ROTA_TRY(rota_reader_end(&outer));
	ROTA_TRY(rota_reader_end(&r));
	if (info.tag != ROTA_DER_SEQUENCE || !is_ecdsa(algorithm.whole))
		return ROTA_ERR_FORMAT;
	ROTA_TRY(read_info(info.content, point));
	ROTA_TRY(rota_der_ecdsa_decode(bits, ROTA_BUF(sig)));
	rota_digest_of(info.whole, digest);
	return rota_p256_verify(point, digest, sig) ? ROTA_OK : ROTA_ERR_SIGNATURE;
}
