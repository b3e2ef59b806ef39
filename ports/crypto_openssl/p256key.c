/* SPDX-License-Identifier: Apache-2.0 */
/* P-256 with private keys by libcrypto's arithmetic of curves, which is not deprecated, in place of EVP_PKEY: a key
 * object for each of a million messages costs as much as the multiplication in it, and EVP checks the order of the
 * peer's point by a third one, which tells nothing on a curve whose cofactor is 1. That the point lies on the curve
 * EC_POINT_oct2point() checks. The curve is set up once per process; what is computed in, once per thread. */
#include "ports/crypto_openssl/secret.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t rooms;
static EC_GROUP *group; /* NULL when libcrypto has no P-256, or no memory for it */

/* What one thread computes in. */
struct room {
	BN_CTX *bn;
	BIGNUM *secret, *x;
	EC_POINT *peer, *product;
};

static void room_free(void *of)
{
	struct room *r = of;

	EC_POINT_clear_free(r->product);
	EC_POINT_free(r->peer);
	BN_clear_free(r->x);
	BN_clear_free(r->secret);
	BN_CTX_free(r->bn);
	free(r);
}

static void set_up(void)
{
	if (pthread_key_create(&rooms, room_free) == 0)
		group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
}

static struct room *room_new(void)
{
	struct room *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->bn = BN_CTX_secure_new();
	r->secret = BN_secure_new();
	r->x = BN_secure_new();
	r->peer = EC_POINT_new(group);
	r->product = EC_POINT_new(group);
	if (r->bn == NULL || r->secret == NULL || r->x == NULL || r->peer == NULL ||
		r->product == NULL || pthread_setspecific(rooms, r) != 0) {
		room_free(r);
		return NULL;
	}
	BN_set_flags(r->secret, BN_FLG_CONSTTIME);
	return r;
}

/* This thread's, or NULL. */
static struct room *room(void)
{
	struct room *r;

	pthread_once(&once, set_up);
	if (group == NULL)
		return NULL;
	r = pthread_getspecific(rooms);
	return r != NULL ? r : room_new();
}

/* A step failed that fails for want of memory only. */
static enum rota_err full(void)
{
	ERR_clear_error();
	return ROTA_ERR_FULL;
}

static enum rota_err draw(struct room *r)
{
	const BIGNUM *order = EC_GROUP_get0_order(group);

	do {
		if (BN_priv_rand_range(r->secret, order) != 1) {
			ERR_clear_error();
			return ROTA_ERR_IO;
		}
	} while (BN_is_zero(r->secret));
	return ROTA_OK;
}

static enum rota_err take_secret(struct room *r, const uint8_t *secret)
{
	if (BN_bin2bn(secret, ROTA_P256_SECRET_LEN, r->secret) == NULL)
		return full();
	if (BN_is_zero(r->secret) || BN_cmp(r->secret, EC_GROUP_get0_order(group)) >= 0)
		return ROTA_ERR_ARGUMENT;
	return ROTA_OK;
}

/* secret times the generator */
static enum rota_err public_half(struct room *r, uint8_t *point)
{
	if (EC_POINT_mul(group, r->product, r->secret, NULL, NULL, r->bn) == 1 &&
		EC_POINT_point2oct(group, r->product, POINT_CONVERSION_UNCOMPRESSED, point,
			ROTA_P256_KEY_LEN, r->bn) == ROTA_P256_KEY_LEN)
		return ROTA_OK;
	return full();
}

/* secret times peer */
static enum rota_err shared_half(struct room *r, const uint8_t *peer, uint8_t *dh)
{
	/* libcrypto reads compressed and hybrid points too; the raw form is one. */
	if (peer[0] != 0x04 ||
		EC_POINT_oct2point(group, r->peer, peer, ROTA_P256_KEY_LEN, r->bn) != 1) {
		ERR_clear_error();
		return ROTA_ERR_FORMAT;
	}
	if (EC_POINT_mul(group, r->product, NULL, r->peer, r->secret, r->bn) == 1 &&
		EC_POINT_get_affine_coordinates(group, r->product, r->x, NULL, r->bn) == 1 &&
		BN_bn2binpad(r->x, dh, ROTA_P256_DH_LEN) == ROTA_P256_DH_LEN)
		return ROTA_OK;
	return full();
}

static enum rota_err p256_make(void *ctx, uint8_t secret[static ROTA_P256_SECRET_LEN],
	uint8_t point[static ROTA_P256_KEY_LEN])
{
	struct room *r = room();
	enum rota_err err;

	(void)ctx;
	if (r == NULL)
		return full();
	err = draw(r);
	if (err == ROTA_OK)
		err = public_half(r, point);
	if (err == ROTA_OK &&
		BN_bn2binpad(r->secret, secret, ROTA_P256_SECRET_LEN) != ROTA_P256_SECRET_LEN)
		err = full();
	BN_clear(r->secret);
	return err;
}

static enum rota_err p256_agree(void *ctx, const uint8_t secret[static ROTA_P256_SECRET_LEN],
	const uint8_t peer[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN])
{
	struct room *r = room();
	enum rota_err err;

	(void)ctx;
	if (r == NULL)
		return full();
	err = take_secret(r, secret);
	if (err == ROTA_OK)
		err = shared_half(r, peer, dh);
	BN_clear(r->secret);
	BN_clear(r->x);
	return err;
}

static enum rota_err p256_ephemeral(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t enc[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN])
{
	struct room *r = room();
	enum rota_err err;

	(void)ctx;
	if (r == NULL)
		return full();
	err = draw(r);
	if (err == ROTA_OK)
		err = shared_half(r, peer, dh);
	if (err == ROTA_OK)
		err = public_half(r, enc);
	BN_clear(r->secret);
	BN_clear(r->x);
	return err;
}

/* An object of `secret` that EVP signs with, or NULL. */
static EVP_PKEY *key_object(const BIGNUM *secret)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (build != NULL && ctx != NULL &&
		OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) ==
			1 &&
		OSSL_PARAM_BLD_push_BN_pad(
			build, OSSL_PKEY_PARAM_PRIV_KEY, secret, ROTA_P256_SECRET_LEN) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* DER as r || s. */
static bool raw_of(const unsigned char *der, size_t len, uint8_t *sig)
{
	ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &der, (long)len);
	int half = ROTA_P256_SIG_LEN / 2;
	bool good = parsed != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(parsed), sig, half) == half &&
		BN_bn2binpad(ECDSA_SIG_get0_s(parsed), sig + half, half) == half;

	ECDSA_SIG_free(parsed);
	return good;
}

#define DER_MAX 72 /* SEQUENCE of two INTEGERs of at most 33 bytes */

static enum rota_err sign_with(const BIGNUM *secret, const uint8_t *digest, uint8_t *sig)
{
	EVP_PKEY *key = key_object(secret);
	EVP_PKEY_CTX *ctx = key != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
	unsigned char der[DER_MAX];
	size_t len = sizeof(der);
	bool done = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
		EVP_PKEY_sign(ctx, der, &len, digest, ROTA_SHA256_LEN) == 1 &&
		raw_of(der, len, sig);

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return done ? ROTA_OK : full();
}

static enum rota_err p256_sign(void *ctx, const uint8_t secret[static ROTA_P256_SECRET_LEN],
	const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN])
{
	struct room *r = room();
	enum rota_err err;

	(void)ctx;
	if (r == NULL)
		return full();
	err = take_secret(r, secret);
	if (err == ROTA_OK)
		err = sign_with(r->secret, digest, sig);
	BN_clear(r->secret);
	return err;
}

const struct rota_p256 rota_p256_openssl = {
	.make = p256_make,
	.agree = p256_agree,
	.ephemeral = p256_ephemeral,
	.sign = p256_sign,
};
