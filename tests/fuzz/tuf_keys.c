/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/tuf_keys.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/fuzz/tuf_repo.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ED25519_KEY 9
#define PEM_KEY 5 /* its text has newlines, so that file and canonical bytes differ */
#define MEMO 8192 /* verdicts, and signatures, that are remembered */
#define SIG_MAX 80
#define STAGE_MAX ((size_t)65536) /* of a message; files here are at most 16 KiB */

/* P-256 with one nonce for each key, since all secrets here are in the open: half of a signature is made once. */
struct half {
	uint8_t r[32];
	BIGNUM *rd, *inverse, *order, *s; /* r times the secret, 1 / nonce; `s` is room */
	BN_CTX *ctx;
};

static struct {
	EVP_PKEY *pair; /* Ed25519 */
	struct half half; /* P-256 */
	uint8_t raw[65];
	size_t raw_len;
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

/* Key and half a signature of a secret and a nonce. */
static void make_p256(int key, unsigned secret, unsigned nonce)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *at = EC_POINT_new(group);
	struct half *h = &keys[key].half;
	BIGNUM *d = BN_new(), *k = BN_new(), *r = BN_new();

	keys[key].raw_len = sizeof(keys[key].raw);
	h->ctx = BN_CTX_new();
	h->order = BN_dup(EC_GROUP_get0_order(group));
	h->s = BN_new();
	h->rd = BN_new();
	must(BN_set_word(d, secret) && EC_POINT_mul(group, at, d, NULL, NULL, NULL));
	must(EC_POINT_point2oct(
		     group, at, POINT_CONVERSION_UNCOMPRESSED, keys[key].raw, 65, NULL) == 65);
	must(BN_set_word(k, nonce) && EC_POINT_mul(group, at, k, NULL, NULL, NULL) &&
		EC_POINT_get_affine_coordinates(group, at, r, NULL, h->ctx) &&
		BN_nnmod(r, r, h->order, h->ctx) && BN_bn2binpad(r, h->r, 32) == 32 &&
		BN_mod_mul(h->rd, r, d, h->order, h->ctx));
	h->inverse = BN_mod_inverse(NULL, k, h->order, h->ctx);
	must(h->inverse != NULL);
	BN_free(d);
	BN_free(k);
	BN_free(r);
	EC_POINT_free(at);
	EC_GROUP_free(group);
}

static void put_hex(char *out, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

/* SubjectPublicKeyInfo of a point (RFC 5480) as PEM. */
static void put_pem(char *out, const uint8_t raw[static 65])
{
	uint8_t der[91] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
		0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0 };
	unsigned char base64[128];
	int len;

	memcpy(der + 26, raw, 65);
	len = EVP_EncodeBlock(base64, der, sizeof(der));
	sprintf(out, "-----BEGIN PUBLIC KEY-----\n%.64s\n%.*s\n-----END PUBLIC KEY-----\n", base64,
		len - 64, base64 + 64);
}

static void make_ed25519(int key)
{
	uint8_t secret[32];

	memset(secret, 0x42, sizeof(secret));
	keys[key].raw_len = sizeof(keys[key].raw);
	keys[key].pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, 32);
	must(EVP_PKEY_get_raw_public_key(keys[key].pair, keys[key].raw, &keys[key].raw_len) == 1);
}

static void make(int key)
{
	const char *type = key == ED25519_KEY ? "ed25519" : "ecdsa";
	const char *scheme = key == ED25519_KEY ? "ed25519" : "ecdsa-sha2-nistp256";
	size_t at;

	if (key == ED25519_KEY)
		make_ed25519(key);
	else
		make_p256(key, 1000u + (unsigned)key, 2000u + (unsigned)key);
	if (key == PEM_KEY)
		put_pem(keys[key].public, keys[key].raw);
	else
		put_hex(keys[key].public, keys[key].raw, keys[key].raw_len);
	keys[key].public_len = strlen(keys[key].public);
	at = (size_t)sprintf(
		keys[key].object, "{\"keytype\":\"%s\",\"keyval\":{\"public\":\"", type);
	for (const char *c = keys[key].public; *c != '\0'; c++)
		at += (size_t)sprintf(keys[key].object + at, *c == '\n' ? "\\n" : "%c", *c);
	sprintf(keys[key].object + at, "\"},\"scheme\":\"%s\"}", scheme);
}

static void make_all(void)
{
	if (keys[0].raw_len != 0)
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

/* ---- verdicts that are known ---- */

struct verdict {
	uint8_t of[32]; /* SHA-256 of algorithm, key, signature, digest of the message */
	bool known;
	enum rota_err err;
};

static struct verdict *verdict_of(enum rota_alg alg, struct rota_span key, struct rota_span sig,
	const uint8_t digest[static ROTA_SHA256_LEN])
{
	static struct verdict memo[MEMO];
	uint8_t text[1 + 65 + 64 + ROTA_SHA256_LEN] = { (uint8_t)alg }, of[32];
	struct verdict *v;

	must(key.len <= 65 && sig.len == 64);
	memcpy(text + 1, key.p, key.len);
	memcpy(text + 66, sig.p, 64);
	memcpy(text + 130, digest, ROTA_SHA256_LEN);
	SHA256(text, sizeof(text), of);
	v = &memo[(of[0] | (size_t)of[1] << 8) % MEMO];
	if (memcmp(v->of, of, sizeof(of)) != 0)
		v->known = false;
	memcpy(v->of, of, sizeof(of));
	return v;
}

/* What was just signed verifies. */
static void know_good(enum rota_alg alg, int key, const uint8_t sig[static 64],
	const uint8_t digest[static ROTA_SHA256_LEN])
{
	struct verdict *v = verdict_of(
		alg, rota_span(keys[key].raw, keys[key].raw_len), rota_span(sig, 64), digest);

	v->known = true;
	v->err = ROTA_OK;
}

/* ---- signatures ---- */

/* s = (z + r d) / k: the numbers that do not depend on the message were made with the key. */
static void sign_p256(int key, const uint8_t digest[static ROTA_SHA256_LEN], uint8_t raw[static 64])
{
	const struct half *h = &keys[key].half;

	must(BN_bin2bn(digest, ROTA_SHA256_LEN, h->s) != NULL && BN_add(h->s, h->s, h->rd) &&
		BN_mod_mul(h->s, h->s, h->inverse, h->order, h->ctx) &&
		BN_bn2binpad(h->s, raw + 32, 32) == 32);
	memcpy(raw, h->r, 32);
}

static void sign_ed25519(int key, struct rota_span bytes, uint8_t raw[static 64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = 64;

	must(EVP_DigestSignInit(ctx, NULL, NULL, NULL, keys[key].pair) == 1 &&
		EVP_DigestSign(ctx, raw, &len, bytes.p, bytes.len) == 1);
	EVP_MD_CTX_free(ctx);
}

static size_t put_der_integer(uint8_t *out, const uint8_t raw[static 32])
{
	size_t skip = 0, pad;

	while (skip < 31 && raw[skip] == 0)
		skip++;
	pad = raw[skip] >> 7;
	out[0] = 0x02;
	out[1] = (uint8_t)(32 - skip + pad);
	out[2] = 0;
	memcpy(out + 2 + pad, raw + skip, 32 - skip);
	return 2 + (size_t)out[1];
}

static size_t put_der(uint8_t *out, const uint8_t raw[static 64])
{
	size_t len = 2;

	len += put_der_integer(out + len, raw);
	len += put_der_integer(out + len, raw + 32);
	out[0] = 0x30;
	out[1] = (uint8_t)(len - 2);
	return len;
}

/* The form of a file. */
static size_t sign(
	int key, struct rota_span bytes, const uint8_t digest[static ROTA_SHA256_LEN], uint8_t *out)
{
	uint8_t raw[64];

	if (key == ED25519_KEY) {
		sign_ed25519(key, bytes, out);
		know_good(ROTA_ALG_ED25519, key, out, digest);
		return 64;
	}
	sign_p256(key, digest, raw);
	know_good(ROTA_ALG_ECDSA_P256, key, raw, digest);
	return put_der(out, raw);
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
		memo[at].len = sign(key, bytes, of, memo[at].sig);
		memcpy(memo[at].of, of, sizeof(of));
	}
	memcpy(out, memo[at].sig, memo[at].len);
	return memo[at].len;
}

/* ---- verification ---- */

static enum rota_err verify(void *ctx, enum rota_alg alg, struct rota_span key,
	struct rota_span sig, const uint8_t digest[static ROTA_SHA256_LEN])
{
	struct verdict *v;

	(void)ctx;
	if (alg != ROTA_ALG_ECDSA_P256 || key.len != 65 || sig.len != 64)
		return rota_crypto_openssl.verify_digest(NULL, alg, key, sig, digest);
	v = verdict_of(alg, key, sig, digest);
	if (!v->known)
		v->err = rota_crypto_openssl.verify_digest(NULL, alg, key, sig, digest);
	v->known = true;
	return v->err;
}

/* The message is kept until its end says whether it is known. As in the port, `alg` comes first. */
struct staged {
	enum rota_alg alg;
	uint8_t key[32], sig[64];
	uint8_t *message;
	size_t len;
};
_Static_assert(sizeof(struct staged) <= sizeof(struct rota_verify), "a running verification fits");

static enum rota_err begin(void *ctx, struct rota_verify *v, enum rota_alg alg,
	struct rota_span key, struct rota_span sig)
{
	struct staged *s = (void *)v->opaque;

	if (alg != ROTA_ALG_ED25519 || key.len != 32 || sig.len != 64)
		return rota_crypto_openssl.verify_begin(ctx, v, alg, key, sig);
	s->alg = alg;
	memcpy(s->key, key.p, 32);
	memcpy(s->sig, sig.p, 64);
	s->message = malloc(STAGE_MAX);
	s->len = 0;
	must(s->message != NULL);
	return ROTA_OK;
}

static void update(struct rota_verify *v, struct rota_span data)
{
	struct staged *s = (void *)v->opaque;

	if (s->alg != ROTA_ALG_ED25519) {
		rota_crypto_openssl.verify_update(v, data);
		return;
	}
	must(data.len <= STAGE_MAX - s->len);
	if (data.len != 0)
		memcpy(s->message + s->len, data.p, data.len);
	s->len += data.len;
}

static enum rota_err verify_ed25519(const struct staged *s)
{
	struct rota_verify real;
	enum rota_err err = rota_crypto_openssl.verify_begin(
		NULL, &real, s->alg, rota_span(s->key, 32), rota_span(s->sig, 64));

	if (err != ROTA_OK)
		return err;
	rota_crypto_openssl.verify_update(&real, rota_span(s->message, s->len));
	return rota_crypto_openssl.verify_finish(&real);
}

static enum rota_err finish(struct rota_verify *v)
{
	struct staged *s = (void *)v->opaque;
	uint8_t digest[ROTA_SHA256_LEN];
	struct verdict *known;

	if (s->alg != ROTA_ALG_ED25519)
		return rota_crypto_openssl.verify_finish(v);
	SHA256(s->message, s->len, digest);
	known = verdict_of(s->alg, rota_span(s->key, 32), rota_span(s->sig, 64), digest);
	if (!known->known)
		known->err = verify_ed25519(s);
	known->known = true;
	free(s->message);
	return known->err;
}

/* What our keys sign, the port verifies: so it need not be asked each time. */
static void prove(void)
{
	static uint8_t text[] = "a message";
	struct rota_span message = rota_span(text, sizeof(text));
	struct staged s = { .alg = ROTA_ALG_ED25519, .message = text, .len = sizeof(text) };
	uint8_t digest[ROTA_SHA256_LEN], raw[64];

	SHA256(message.p, message.len, digest);
	for (int key = 0; key < TUF_KEYS; key++) {
		struct rota_span public = rota_span(keys[key].raw, keys[key].raw_len);

		if (key == ED25519_KEY)
			continue;
		sign_p256(key, digest, raw);
		must(rota_crypto_openssl.verify_digest(NULL, ROTA_ALG_ECDSA_P256, public,
			     rota_span(raw, 64), digest) == ROTA_OK);
	}
	memcpy(s.key, keys[ED25519_KEY].raw, 32);
	sign_ed25519(ED25519_KEY, message, s.sig);
	must(verify_ed25519(&s) == ROTA_OK);
}

const struct rota_crypto *tuf_crypto(void)
{
	static struct rota_crypto crypto;

	if (crypto.verify_begin == begin)
		return &crypto;
	make_all();
	prove();

	crypto = rota_crypto_openssl;
	crypto.verify_digest = verify;
	crypto.verify_begin = begin;
	crypto.verify_update = update;
	crypto.verify_finish = finish;
	return &crypto;
}
