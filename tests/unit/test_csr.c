/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for certificates, as OpenSSL makes them (RFC 2986): a key, and proof that its owner asks. */
#include "host/pki/csr.h"
#include "tests/unit/issuer_scene.h"
#include "tests/unit/test.h"

#include <openssl/rsa.h>

static struct issuer who;

/* A request of this key, with a name and an extension in it that nobody takes over. */
static size_t request(EVP_PKEY *key, const EVP_MD *md, uint8_t room[static ROTA_CSR_MAX])
{
	X509_REQ *req = X509_REQ_new();
	unsigned char *at = room;
	int len;

	X509_REQ_set_version(req, 0);
	X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_ASC,
		(const unsigned char *)"root", -1, -1, 0);
	X509_REQ_set_pubkey(req, key);
	X509_REQ_sign(req, key, md);
	len = i2d_X509_REQ(req, &at);
	X509_REQ_free(req);
	return len > 0 ? (size_t)len : 0;
}

TEST(read)
{
	uint8_t room[ROTA_CSR_MAX], point[ROTA_P256_KEY_LEN];
	size_t len;

	issuer_begin(&who, "x", false);
	len = request(who.device, EVP_sha256(), room);
	CHECK_OK(rota_csr_read(rota_span(room, len), point));
	CHECK_MEM(point, who.point, sizeof(point));
	issuer_end(&who);
}

/* Whatever is flipped, cut off or added: it is no request of this key. */
TEST(damaged)
{
	uint8_t room[ROTA_CSR_MAX], point[ROTA_P256_KEY_LEN];
	size_t len;

	issuer_begin(&who, "x", false);
	len = request(who.device, EVP_sha256(), room);
	for (size_t i = 0; i < len; i++) {
		CHECK(rota_csr_read(rota_span(room, i), point) != ROTA_OK);
		for (int bit = 0; bit < 8; bit++) {
			room[i] ^= (uint8_t)(1 << bit);
			CHECK(rota_csr_read(rota_span(room, len), point) != ROTA_OK);
			room[i] ^= (uint8_t)(1 << bit);
		}
	}
	room[len] = 0;
	CHECK_EQ(rota_csr_read(rota_span(room, len + 1), point), ROTA_ERR_FORMAT);
	issuer_end(&who);
}

TEST(refused)
{
	static const struct {
		const char *reason, *curve;
		bool rsa, sha384;
	} rows[] = {
		{ "another curve", "P-384", false, false },
		{ "RSA", NULL, true, false },
		{ "another hash", "P-256", false, true },
	};
	uint8_t room[ROTA_CSR_MAX], point[ROTA_P256_KEY_LEN];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		EVP_PKEY *key = rows[i].rsa ? EVP_RSA_gen(2048) : EVP_EC_gen(rows[i].curve);
		size_t len = request(key, rows[i].sha384 ? EVP_sha384() : EVP_sha256(), room);

		ROW(rows[i].reason);
		CHECK(len > 0);
		CHECK_EQ(rota_csr_read(rota_span(room, len), point), ROTA_ERR_FORMAT);
		EVP_PKEY_free(key);
	}
}

/* A request that another key signed: whoever asks has not the key that he asks for. */
TEST(anothers_key)
{
	uint8_t room[ROTA_CSR_MAX], point[ROTA_P256_KEY_LEN];
	X509_REQ *req = X509_REQ_new();
	unsigned char *at = room;
	EVP_PKEY *mine = EVP_EC_gen("P-256");
	int len;

	issuer_begin(&who, "x", false);
	X509_REQ_set_version(req, 0);
	X509_REQ_set_pubkey(req, who.device);
	X509_REQ_sign(req, mine, EVP_sha256());
	len = i2d_X509_REQ(req, &at);
	CHECK(len > 0);
	CHECK_EQ(rota_csr_read(rota_span(room, (size_t)len), point), ROTA_ERR_SIGNATURE);
	X509_REQ_free(req);
	EVP_PKEY_free(mine);
	issuer_end(&who);
}

TESTS(T(read), T(damaged), T(refused), T(anothers_key))
