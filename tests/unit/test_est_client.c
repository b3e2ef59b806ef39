/* SPDX-License-Identifier: Apache-2.0 */
/* host/est/client.h: of what a server answers one certificate is taken, that of the asked key. */
#include "host/est/client.h"
#include "tests/unit/test.h"

#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <string.h>

struct asked {
	EVP_PKEY *key;
	uint8_t point[ROTA_P256_KEY_LEN];
};

static void begin(struct asked *a)
{
	size_t len = 0;

	a->key = EVP_EC_gen("P-256");
	CHECK(EVP_PKEY_get_octet_string_param(a->key, "pub", a->point, sizeof(a->point), &len) ==
		1);
}

static X509 *certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	return x;
}

/* A certs-only CMS of these (NULL: none), as base64 in lines where `lines`. */
static size_t answer(X509 *one, X509 *other, bool lines, char room[static 8192])
{
	PKCS7 *p = PKCS7_new();
	unsigned char *der = NULL;
	int len;

	PKCS7_set_type(p, NID_pkcs7_signed);
	PKCS7_content_new(p, NID_pkcs7_data);
	PKCS7_set_detached(p, 1);
	if (one)
		PKCS7_add_certificate(p, one);
	if (other)
		PKCS7_add_certificate(p, other);
	len = i2d_PKCS7(p, &der);
	PKCS7_free(p);
	if (lines) {
		EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
		int have = 0, more = 0;

		EVP_EncodeInit(ctx);
		EVP_EncodeUpdate(ctx, (unsigned char *)room, &have, der, len);
		EVP_EncodeFinal(ctx, (unsigned char *)room + have, &more);
		EVP_ENCODE_CTX_free(ctx);
		len = have + more;
	} else {
		len = EVP_EncodeBlock((unsigned char *)room, der, len);
	}
	OPENSSL_free(der);
	return (size_t)len;
}

TEST(the_asked_one)
{
	struct asked mine, other;
	X509 *x, *y;
	struct rota_bytes der;
	struct rota_fail why;
	char room[8192];
	uint8_t *raw = NULL;
	size_t len;
	int raw_len;

	begin(&mine);
	begin(&other);
	x = certificate(mine.key);
	y = certificate(other.key);
	raw_len = i2d_X509(x, &raw);
	for (int lines = 0; lines < 2; lines++) {
		len = answer(y, x, lines, room);
		CHECK_OK(rota_est_answer(rota_span(room, len), mine.point, &der, &why));
		CHECK_EQ(der.len, (size_t)raw_len);
		CHECK_MEM(der.p, raw, der.len);
		rota_bytes_free(&der);
	}
	OPENSSL_free(raw);
	X509_free(x);
	X509_free(y);
	EVP_PKEY_free(mine.key);
	EVP_PKEY_free(other.key);
}

TEST(what_is_not_the_asked_one)
{
	struct asked mine, other;
	struct rota_bytes der;
	struct rota_fail why;
	static char room[8192];
	X509 *y;
	size_t len;

	begin(&mine);
	begin(&other);
	y = certificate(other.key);
	len = answer(y, NULL, true, room);
	CHECK_EQ(rota_est_answer(rota_span(room, len), mine.point, &der, &why), ROTA_ERR_NOT_FOUND);
	CHECK_OK(rota_est_answer(rota_span(room, len), other.point, &der, &why));
	rota_bytes_free(&der);
	CHECK_EQ(rota_est_answer(rota_span(room, len / 2), other.point, &der, &why),
		ROTA_ERR_FORMAT);
	CHECK_EQ(rota_est_answer(ROTA_STR(""), other.point, &der, &why), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_est_answer(ROTA_STR("<html>no</html>"), other.point, &der, &why),
		ROTA_ERR_FORMAT);
	CHECK_EQ(rota_est_answer(ROTA_STR("MAA="), other.point, &der, &why), ROTA_ERR_FORMAT);
	len = answer(NULL, NULL, true, room);
	CHECK_EQ(
		rota_est_answer(rota_span(room, len), other.point, &der, &why), ROTA_ERR_NOT_FOUND);
	memset(room, 'A', sizeof(room));
	CHECK_EQ(rota_est_answer(rota_span(room, ROTA_EST_ANSWER_MAX + 1), other.point, &der, &why),
		ROTA_ERR_LIMIT);
	X509_free(y);
	EVP_PKEY_free(mine.key);
	EVP_PKEY_free(other.key);
}

TEST(the_body)
{
	struct rota_bytes body;

	rota_est_body(ROTA_STR("0123456789"), &body);
	CHECK_EQ(body.len, 16);
	CHECK_MEM(body.p, "MDEyMzQ1Njc4OQ==", 16);
	rota_bytes_free(&body);
}

TESTS(T(the_asked_one), T(what_is_not_the_asked_one), T(the_body))
