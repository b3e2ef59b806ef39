/* SPDX-License-Identifier: Apache-2.0 */
/* host/identity/rotkey.h and request.h: libcrypto works with a key that it never sees, and what a device asks with it is what
 * the authority's own readers take. */
#include "host/identity/request.h"
#include "host/identity/rotkey.h"
#include "host/pki/csr.h"
#include "host/sign/p256.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/crypto/factory.h"
#include "tests/unit/rot_backends.h"
#include "tests/unit/test.h"

#include <openssl/ssl.h>
#include <string.h>

static const uint8_t nonce[32] = { 1, 2, 3 };
static const uint8_t device[ROTA_SHA256_LEN] = { 4, 5, 6 };

static const struct rota_rot *(*const backends[])(
	void) = { rot_begin_soft, rot_begin_tpm, rot_begin_pkcs11 };

/* ---- TLS ---- */

static X509 *certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	if (X509_sign(x, key, EVP_sha256()) > 0)
		return x;
	X509_free(x);
	return NULL;
}

static int any(int good, X509_STORE_CTX *ctx)
{
	(void)good, (void)ctx;
	return 1;
}

/* Both sides in one process; whether they come to an end of the handshake. */
static bool shake(SSL *one, SSL *other)
{
	BIO *a, *b;

	if (BIO_new_bio_pair(&a, 0, &b, 0) != 1)
		return false;
	SSL_set_bio(one, a, a);
	SSL_set_bio(other, b, b);
	SSL_set_connect_state(one);
	SSL_set_accept_state(other);
	for (int i = 0; i < 20 && !(SSL_is_init_finished(one) && SSL_is_init_finished(other));
		i++) {
		(void)SSL_do_handshake(one);
		(void)SSL_do_handshake(other);
	}
	return SSL_is_init_finished(one) && SSL_is_init_finished(other);
}

static bool log_in(EVP_PKEY *key, int version)
{
	EVP_PKEY *own = EVP_EC_gen("P-256");
	X509 *server_cert = certificate(own), *client_cert = certificate(key);
	SSL_CTX *client = SSL_CTX_new(TLS_client_method());
	SSL_CTX *server = SSL_CTX_new(TLS_server_method());
	bool good = client_cert && SSL_CTX_use_certificate(client, client_cert) == 1 &&
		SSL_CTX_use_PrivateKey(client, key) == 1 &&
		SSL_CTX_use_certificate(server, server_cert) == 1 &&
		SSL_CTX_use_PrivateKey(server, own) == 1 &&
		SSL_CTX_set_max_proto_version(client, version) == 1;
	SSL *one, *other;

	SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, any);
	one = SSL_new(client);
	other = SSL_new(server);
	good = good && shake(one, other) && SSL_get0_peer_certificate(other) != NULL;
	SSL_free(one);
	SSL_free(other);
	SSL_CTX_free(client);
	SSL_CTX_free(server);
	X509_free(server_cert);
	X509_free(client_cert);
	EVP_PKEY_free(own);
	return good;
}

TEST(logs_in)
{
	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		const struct rota_rot *r = backends[i]();
		struct rota_rotkey k = { .rot = r, .key = ROTA_ROT_LDEVID_0 };
		uint8_t point[ROTA_P256_KEY_LEN];
		struct rota_fail why;
		EVP_PKEY *key;

		CHECK(r != NULL);
		CHECK_EQ(rota_rotkey_open(&k, &key, &why), ROTA_ERR_NOT_FOUND);
		CHECK_OK(r->key_make(r->ctx, ROTA_ROT_LDEVID_0, point));
		CHECK_OK(rota_rotkey_open(&k, &key, &why));
		CHECK(log_in(key, TLS1_2_VERSION));
		CHECK(log_in(key, TLS1_3_VERSION));
		CHECK_OK(k.err);
		EVP_PKEY_free(key);
	}
}

/* A key that was destroyed meanwhile signs no more, and libcrypto falls back to nothing. */
TEST(a_destroyed_key_is_no_key)
{
	const struct rota_rot *r = rot_begin_soft();
	struct rota_rotkey k = { .rot = r, .key = ROTA_ROT_LDEVID_1 };
	uint8_t point[ROTA_P256_KEY_LEN];
	struct rota_fail why;
	EVP_PKEY *key;

	CHECK_OK(r->key_make(r->ctx, ROTA_ROT_LDEVID_1, point));
	CHECK_OK(rota_rotkey_open(&k, &key, &why));
	CHECK_OK(r->key_destroy(r->ctx, ROTA_ROT_LDEVID_1));
	CHECK(certificate(key) == NULL);
	CHECK_EQ(k.err, ROTA_ERR_NOT_FOUND);
	EVP_PKEY_free(key);
}

/* ---- requests ---- */

TEST(requests)
{
	const struct rota_rot *r = rot_begin_soft();
	uint8_t point[ROTA_P256_KEY_LEN], got[ROTA_P256_KEY_LEN], identity[ROTA_P256_KEY_LEN];
	uint8_t endorsement[ROTA_ENDORSEMENT_LEN], digest[ROTA_SHA256_LEN];
	struct rota_bytes csr;
	struct rota_fail why;

	CHECK_OK(r->key_make(r->ctx, ROTA_ROT_IDENTITY, identity));
	CHECK_OK(r->key_make(r->ctx, ROTA_ROT_LDEVID_0, point));
	CHECK_OK(rota_request_csr(r, ROTA_ROT_LDEVID_0, &csr, &why));
	CHECK_OK(rota_csr_read(rota_bytes_span(&csr), got));
	CHECK_MEM(got, point, sizeof(point));
	CHECK_OK(rota_request_endorse(r, &rota_crypto_openssl, ROTA_ROT_IDENTITY, nonce,
		rota_bytes_span(&csr), device, endorsement));
	CHECK_EQ(endorsement[0], ROTA_ENDORSED_BY_IDENTITY);
	CHECK_MEM(endorsement + 1, nonce, sizeof(nonce));
	rota_request_digest(&rota_crypto_openssl, nonce, rota_bytes_span(&csr), device, digest);
	CHECK(rota_p256_verify(identity, digest, endorsement + 33));
	CHECK_OK(rota_request_endorse(r, &rota_crypto_openssl, ROTA_ROT_LDEVID_0, nonce,
		rota_bytes_span(&csr), device, endorsement));
	CHECK_EQ(endorsement[0], ROTA_ENDORSED_BY_LDEVID);
	CHECK(rota_p256_verify(point, digest, endorsement + 33));
	rota_bytes_free(&csr);
}

TEST(birth)
{
	const struct rota_rot *r = rot_begin_soft();
	uint8_t identity[ROTA_P256_KEY_LEN], agree[ROTA_P256_KEY_LEN], room[ROTA_BIRTH_MAX];
	uint8_t text[32 + ROTA_BIRTH_MAX], digest[ROTA_SHA256_LEN], long_serial[65] = { 'S' };
	struct rota_span made;

	CHECK_OK(r->key_make(r->ctx, ROTA_ROT_IDENTITY, identity));
	CHECK_OK(r->key_make(r->ctx, ROTA_ROT_AGREE_0, agree));
	CHECK_OK(rota_request_birth(
		r, &rota_crypto_openssl, agree, ROTA_STR("SN-1"), nonce, ROTA_BUF(room), &made));
	CHECK_EQ(made.len, 65 + 65 + 1 + 4 + 64);
	memcpy(text, nonce, 32);
	memcpy(text + 32, made.p, made.len - 64);
	rota_factory_digest(&rota_crypto_openssl, rota_span(text, 32 + made.len - 64), digest);
	CHECK(rota_p256_verify(identity, digest, made.p + made.len - 64));
	CHECK_MEM(made.p, identity, sizeof(identity));
	CHECK_EQ(rota_request_birth(r, &rota_crypto_openssl, agree, ROTA_SPAN(long_serial), nonce,
			 ROTA_BUF(room), &made),
		ROTA_ERR_LIMIT);
}

TESTS(T(logs_in), T(a_destroyed_key_is_no_key), T(requests), T(birth))
