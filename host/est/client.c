/* SPDX-License-Identifier: Apache-2.0 */
#include "host/est/client.h"

#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

void rota_est_body(struct rota_span csr, struct rota_bytes *out)
{
	size_t room = 4 * ((csr.len + 2) / 3) + 1;
	unsigned char *text = malloc(room);

	*out = (struct rota_bytes){ 0 };
	if (text == NULL)
		abort();
	EVP_EncodeBlock(text, csr.p, (int)csr.len);
	rota_bytes_add(out, rota_span(text, room - 1));
	free(text);
}

/* -1: it is no base64. */
static int decode(struct rota_span text, unsigned char *to)
{
	EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
	int have = 0, more = 0;
	bool good;

	if (ctx == NULL)
		return -1;
	EVP_DecodeInit(ctx);
	good = EVP_DecodeUpdate(ctx, to, &have, text.p, (int)text.len) >= 0 &&
		EVP_DecodeFinal(ctx, to + have, &more) == 1;
	EVP_ENCODE_CTX_free(ctx);
	return good ? have + more : -1;
}

static bool is_of(const X509 *x, const uint8_t point[static ROTA_P256_KEY_LEN])
{
	const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(x);

	return key != NULL && ASN1_STRING_length(key) == ROTA_P256_KEY_LEN &&
		memcmp(ASN1_STRING_get0_data(key), point, ROTA_P256_KEY_LEN) == 0;
}

static enum rota_err pick(const PKCS7 *cms, const uint8_t point[static ROTA_P256_KEY_LEN],
	struct rota_bytes *der, struct rota_fail *why)
{
	const STACK_OF(X509) *certs =
		PKCS7_type_is_signed(cms) && cms->d.sign != NULL ? cms->d.sign->cert : NULL;

	for (int i = 0; i < sk_X509_num(certs); i++) {
		X509 *x = sk_X509_value(certs, i);
		unsigned char *raw = NULL;
		int len = is_of(x, point) ? i2d_X509(x, &raw) : 0;

		if (len > 0)
			rota_bytes_add(der, rota_span(raw, (size_t)len));
		OPENSSL_free(raw);
		if (len > 0)
			return ROTA_OK;
	}
	return rota_fail(why, ROTA_ERR_NOT_FOUND,
		"the answer has no certificate of the key that was asked for");
}

enum rota_err rota_est_answer(struct rota_span body, const uint8_t point[static ROTA_P256_KEY_LEN],
	struct rota_bytes *der, struct rota_fail *why)
{
	unsigned char raw[ROTA_EST_ANSWER_MAX];
	const unsigned char *at = raw;
	PKCS7 *cms = NULL;
	enum rota_err err;
	int len;

	*der = (struct rota_bytes){ 0 };
	if (body.len > ROTA_EST_ANSWER_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "the answer is too long");
	len = decode(body, raw);
	if (len > 0)
		cms = d2i_PKCS7(NULL, &at, len);
	if (cms != NULL && at == raw + len)
		err = pick(cms, point, der, why);
	else
		err = rota_fail(
			why, ROTA_ERR_FORMAT, "the answer is no certificate as RFC 7030 has it");
	PKCS7_free(cms);
	ERR_clear_error();
	return err;
}
