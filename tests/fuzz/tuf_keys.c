/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/tuf_keys.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/fuzz/tuf_repo.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ED25519_KEY 9
#define PEM_KEY 5 /* its text has newlines, so that file and canonical bytes differ */
#define MEMO 8192 /* verdicts, and signatures, that are remembered */
#define SIG_MAX 80

static struct {
	EVP_PKEY *pair;
	char public[400];
	size_t public_len;
	char object[512];
} keys[TUF_KEYS];

static void must(bool good)
{
	if (!good)
		abort();
}

bool tuf_key_is_ed25519(int key)
{
	return key == ED25519_KEY;
}

/* ---- pairs ---- */

static EVP_PKEY *p256_pair(unsigned secret, uint8_t point[static 65])
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *at = EC_POINT_new(group);
	BIGNUM *d = BN_new();
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params;
	EVP_PKEY *pair = NULL;

	must(BN_set_word(d, secret) && EC_POINT_mul(group, at, d, NULL, NULL, NULL));
	must(EC_POINT_point2oct(group, at, POINT_CONVERSION_UNCOMPRESSED, point, 65, NULL) == 65);
	must(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d) &&
		OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 65));
	params = OSSL_PARAM_BLD_to_param(build);
	must(params != NULL && EVP_PKEY_fromdata_init(ctx) > 0 &&
		EVP_PKEY_fromdata(ctx, &pair, EVP_PKEY_KEYPAIR, params) > 0);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(d);
	EC_POINT_free(at);
	EC_GROUP_free(group);
	return pair;
}

static void put_hex(char *out, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

static void put_pem(char *out, EVP_PKEY *pair)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	must(PEM_write_bio_PUBKEY(bio, pair) == 1);
	len = BIO_get_mem_data(bio, &text);
	memcpy(out, text, (size_t)len);
	out[len] = '\0';
	BIO_free(bio);
}

static void make(int key)
{
	const char *type = key == ED25519_KEY ? "ed25519" : "ecdsa";
	const char *scheme = key == ED25519_KEY ? "ed25519" : "ecdsa-sha2-nistp256";
	uint8_t raw[65];
	size_t raw_len = 65, at;

	if (key == ED25519_KEY) {
		memset(raw, 0x42, 32);
		keys[key].pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw, 32);
		must(EVP_PKEY_get_raw_public_key(keys[key].pair, raw, &raw_len) == 1);
	} else {
		keys[key].pair = p256_pair(1000u + (unsigned)key, raw);
	}
	if (key == PEM_KEY)
		put_pem(keys[key].public, keys[key].pair);
	else
		put_hex(keys[key].public, raw, raw_len);
	keys[key].public_len = strlen(keys[key].public);
	at = (size_t)sprintf(
		keys[key].object, "{\"keytype\":\"%s\",\"keyval\":{\"public\":\"", type);
	for (const char *c = keys[key].public; *c != '\0'; c++)
		at += (size_t)sprintf(keys[key].object + at, *c == '\n' ? "\\n" : "%c", *c);
	sprintf(keys[key].object + at, "\"},\"scheme\":\"%s\"}", scheme);
}

static void make_all(void)
{
	if (keys[0].pair != NULL)
		return;
	for (int key = 0; key < TUF_KEYS; key++)
		make(key);
}

const char *tuf_key_object(int key)
{
	make_all();
	return keys[key].object;
}

const char *tuf_key_public(int key)
{
	make_all();
	return keys[key].public;
}

int tuf_key_of(struct rota_span public)
{
	make_all();
	for (int key = 0; key < TUF_KEYS; key++) {
		if (rota_span_eq(public, rota_span(keys[key].public, keys[key].public_len)))
			return key;
	}
	return -1;
}

/* ---- signatures ---- */

static size_t sign(int key, struct rota_span bytes, uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = SIG_MAX;

	must(EVP_DigestSignInit(ctx, NULL, key == ED25519_KEY ? NULL : EVP_sha256(), NULL,
		     keys[key].pair) == 1 &&
		EVP_DigestSign(ctx, out, &len, bytes.p, bytes.len) == 1);
	EVP_MD_CTX_free(ctx);
	return len;
}

size_t tuf_key_sign(int key, struct rota_span bytes, uint8_t out[static TUF_SIG_ROOM])
{
	static struct {
		uint8_t of[33], sig[SIG_MAX];
		size_t len;
	} memo[MEMO];
	uint8_t of[33] = { 0 };
	size_t at;

	make_all();
	SHA256(bytes.p, bytes.len, of);
	of[32] = (uint8_t)(key + 1); /* so that no empty entry matches */
	at = (of[0] | (size_t)of[1] << 8) % MEMO;
	if (memcmp(memo[at].of, of, sizeof(of)) != 0) {
		memo[at].len = sign(key, bytes, memo[at].sig);
		memcpy(memo[at].of, of, sizeof(of));
	}
	memcpy(out, memo[at].sig, memo[at].len);
	return memo[at].len;
}

/* ---- verification ---- */

static enum rota_err verify(void *ctx, enum rota_alg alg, struct rota_span key,
	struct rota_span sig, const uint8_t digest[static ROTA_SHA256_LEN])
{
	static struct {
		uint8_t key[65], sig[64], digest[ROTA_SHA256_LEN];
		bool used;
		enum rota_err verdict;
	} memo[MEMO];
	size_t at = (digest[0] | (size_t)digest[1] << 8) % MEMO;

	(void)ctx;
	if (alg != ROTA_ALG_ECDSA_P256 || key.len != 65 || sig.len != 64)
		return rota_crypto_openssl.verify_digest(NULL, alg, key, sig, digest);
	at = (at + sig.p[0] + key.p[1]) % MEMO;
	if (memo[at].used && memcmp(memo[at].key, key.p, 65) == 0 &&
		memcmp(memo[at].sig, sig.p, 64) == 0 &&
		memcmp(memo[at].digest, digest, ROTA_SHA256_LEN) == 0)
		return memo[at].verdict;
	memcpy(memo[at].key, key.p, 65);
	memcpy(memo[at].sig, sig.p, 64);
	memcpy(memo[at].digest, digest, ROTA_SHA256_LEN);
	memo[at].used = true;
	memo[at].verdict = rota_crypto_openssl.verify_digest(NULL, alg, key, sig, digest);
	return memo[at].verdict;
}

const struct rota_crypto *tuf_crypto(void)
{
	static struct rota_crypto crypto;

	crypto = rota_crypto_openssl;
	crypto.verify_digest = verify;
	return &crypto;
}
