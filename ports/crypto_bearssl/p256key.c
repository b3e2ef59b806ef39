/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/crypto_bearssl/secret.h"
#include "rota/base/mem.h"

#include <bearssl.h> /* after mem.h: BearSSL's headers bring the C library's own declarations */

#define CURVE BR_EC_secp256r1
/* One draw in 2^32 is not below the order: a source that misses this often is none. */
#define DRAWS_MAX 4

/* From 1 to the order less 1; in the same time for all. */
static bool in_range(const uint8_t *secret)
{
	size_t len;
	const unsigned char *order = br_ec_p256_m15.order(CURVE, &len);
	uint32_t borrow = 0, any = 0;

	for (size_t i = ROTA_P256_SECRET_LEN; i-- > 0;) {
		borrow = ((uint32_t)secret[i] - order[i] - borrow) >> 31;
		any |= secret[i];
	}
	return borrow != 0 && any != 0;
}

static enum rota_err draw(const struct rota_p256_bearssl *p, uint8_t *secret)
{
	for (unsigned i = 0; i < DRAWS_MAX; i++) {
		ROTA_TRY(p->random->fill(p->random->ctx, rota_buf(secret, ROTA_P256_SECRET_LEN)));
		if (in_range(secret))
			return ROTA_OK;
	}
	return ROTA_ERR_IO;
}

static enum rota_err p256_make(void *ctx, uint8_t secret[static ROTA_P256_SECRET_LEN],
	uint8_t point[static ROTA_P256_KEY_LEN])
{
	ROTA_TRY(draw(ctx, secret));
	br_ec_p256_m15.mulgen(point, secret, ROTA_P256_SECRET_LEN, CURVE);
	return ROTA_OK;
}

/* BearSSL says whether the point lies on the curve once it has multiplied it. */
static enum rota_err p256_agree(void *ctx, const uint8_t secret[static ROTA_P256_SECRET_LEN],
	const uint8_t peer[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN])
{
	uint8_t point[ROTA_P256_KEY_LEN];
	enum rota_err err = ROTA_ERR_FORMAT;

	(void)ctx;
	if (!in_range(secret))
		return ROTA_ERR_ARGUMENT;
	memcpy(point, peer, sizeof(point));
	if (br_ec_p256_m15.mul(point, sizeof(point), secret, ROTA_P256_SECRET_LEN, CURVE) == 1) {
		memcpy(dh, point + 1, ROTA_P256_DH_LEN);
		err = ROTA_OK;
	}
	rota_wipe(point, sizeof(point));
	return err;
}

static enum rota_err p256_ephemeral(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t enc[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN])
{
	uint8_t secret[ROTA_P256_SECRET_LEN];
	enum rota_err err = p256_make(ctx, secret, enc);

	if (err == ROTA_OK)
		err = p256_agree(ctx, secret, peer, dh);
	rota_wipe(secret, sizeof(secret));
	return err;
}

static enum rota_err p256_sign(void *ctx, const uint8_t secret[static ROTA_P256_SECRET_LEN],
	const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN])
{
	uint8_t copy[ROTA_P256_SECRET_LEN]; /* BearSSL's key is not const */
	const br_ec_private_key key = { .curve = CURVE, .x = copy, .xlen = sizeof(copy) };
	size_t len;

	(void)ctx;
	if (!in_range(secret))
		return ROTA_ERR_ARGUMENT;
	memcpy(copy, secret, sizeof(copy));
	len = br_ecdsa_i15_sign_raw(&br_ec_p256_m15, &br_sha256_vtable, digest, &key, sig);
	rota_wipe(copy, sizeof(copy));
	return len == ROTA_P256_SIG_LEN ? ROTA_OK : ROTA_ERR_UNSUPPORTED;
}

void rota_p256_bearssl_init(struct rota_p256_bearssl *p, const struct rota_random *random)
{
	p->port = (struct rota_p256){
		.ctx = p,
		.make = p256_make,
		.agree = p256_agree,
		.ephemeral = p256_ephemeral,
		.sign = p256_sign,
	};
	p->random = random;
}
