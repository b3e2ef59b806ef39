/* SPDX-License-Identifier: Apache-2.0 */
/* rota/port/rot.h: what every backend does. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "tests/unit/rot_backends.h"
#include "tests/unit/test.h"

static const struct {
	const char *name;
	const struct rota_rot *(*begin)(void);
	uint8_t caps;
} backends[] = {
	{ "soft", rot_begin_soft, 0 },
	{ "pkcs11", rot_begin_pkcs11, ROTA_ROT_HARDWARE | ROTA_ROT_DESTROYS },
	{ "tpm2", rot_begin_tpm, ROTA_ROT_HARDWARE | ROTA_ROT_DESTROYS | ROTA_ROT_QUOTES },
};

#define BACKENDS (sizeof(backends) / sizeof(backends[0]))
#define AAD ROTA_STR("purpose, generation, device")

static const uint8_t digest[ROTA_SHA256_LEN] = { 1, 2, 3 };
static const uint8_t secret[ROTA_ROT_SECRET_LEN] = { 9, 8, 7 };

/* Backend `i`, blank, with its name as the row. */
static const struct rota_rot *begin(size_t i)
{
	ROW(backends[i].name);
	return backends[i].begin();
}

static enum rota_err verify(
	const uint8_t point[static ROTA_P256_KEY_LEN], const uint8_t sig[static ROTA_P256_SIG_LEN])
{
	return rota_crypto_openssl.verify_digest(rota_crypto_openssl.ctx, ROTA_ALG_ECDSA_P256,
		rota_span(point, ROTA_P256_KEY_LEN), rota_span(sig, ROTA_P256_SIG_LEN), digest);
}

TEST(it_says_what_it_is)
{
	for (size_t i = 0; i < BACKENDS; i++) {
		const struct rota_rot *r = begin(i);

		CHECK(r != NULL);
		CHECK(strcmp(r->name, backends[i].name) == 0);
		CHECK_EQ(r->caps, backends[i].caps);
		CHECK_EQ(r->quote != NULL, (r->caps & ROTA_ROT_QUOTES) != 0);
	}
}

TEST(a_pair_is_made_once_and_stays)
{
	uint8_t point[ROTA_P256_KEY_LEN], again[ROTA_P256_KEY_LEN];

	for (size_t i = 0; i < BACKENDS; i++) {
		const struct rota_rot *r = begin(i);

		CHECK(r != NULL);
		for (enum rota_rot_key k = 0; k < ROTA_ROT_KEYS; k++) {
			CHECK_EQ(r->key_point(r->ctx, k, again), ROTA_ERR_NOT_FOUND);
			CHECK_OK(r->key_make(r->ctx, k, point));
			CHECK_EQ(point[0], 4);
			CHECK_OK(r->key_point(r->ctx, k, again));
			CHECK_MEM(again, point, sizeof(point));
			CHECK_EQ(r->key_make(r->ctx, k, again), ROTA_ERR_STATE);
			CHECK_OK(r->key_point(r->ctx, k, again));
			CHECK_MEM(again, point, sizeof(point));
		}
	}
}

TEST(a_pair_that_was_destroyed_is_gone_and_the_next_is_another)
{
	uint8_t point[ROTA_P256_KEY_LEN], next[ROTA_P256_KEY_LEN], sig[ROTA_P256_SIG_LEN];

	for (size_t i = 0; i < BACKENDS; i++) {
		const struct rota_rot *r = begin(i);

		CHECK(r != NULL);
		CHECK_OK(r->key_make(r->ctx, ROTA_ROT_LDEVID_1, point));
		CHECK_OK(r->key_destroy(r->ctx, ROTA_ROT_LDEVID_1));
		CHECK_OK(r->key_destroy(r->ctx, ROTA_ROT_LDEVID_1));
		CHECK_EQ(r->key_point(r->ctx, ROTA_ROT_LDEVID_1, next), ROTA_ERR_NOT_FOUND);
		CHECK_EQ(r->sign(r->ctx, ROTA_ROT_LDEVID_1, digest, sig), ROTA_ERR_NOT_FOUND);
		CHECK_OK(r->key_make(r->ctx, ROTA_ROT_LDEVID_1, next));
		CHECK(memcmp(next, point, sizeof(point)) != 0);
	}
}

TEST(the_identity_is_for_life)
{
	uint8_t point[ROTA_P256_KEY_LEN], again[ROTA_P256_KEY_LEN];

	for (size_t i = 0; i < BACKENDS; i++) {
		const struct rota_rot *r = begin(i);

		CHECK(r != NULL);
		CHECK_OK(r->key_make(r->ctx, ROTA_ROT_IDENTITY, point));
		CHECK_EQ(r->key_destroy(r->ctx, ROTA_ROT_IDENTITY), ROTA_ERR_ARGUMENT);
		CHECK_OK(r->key_point(r->ctx, ROTA_ROT_IDENTITY, again));
		CHECK_MEM(again, point, sizeof(point));
	}
}

TEST(what_signs_signs_and_what_agrees_does_not)
{
	uint8_t point[ROTA_P256_KEY_LEN], sig[ROTA_P256_SIG_LEN], dh[ROTA_P256_DH_LEN];

	for (size_t i = 0; i < BACKENDS; i++) {
		const struct rota_rot *r = begin(i);

		CHECK(r != NULL);
		for (enum rota_rot_key k = ROTA_ROT_IDENTITY; k <= ROTA_ROT_LDEVID_1; k++) {
			CHECK_OK(r->key_make(r->ctx, k, point));
			CHECK_OK(r->sign(r->ctx, k, digest, sig));
			CHECK_OK(verify(point, sig));
			sig[5] ^= 1;
			CHECK_EQ(verify(point, sig), ROTA_ERR_SIGNATURE);
			CHECK_EQ(r->agree(r->ctx, k, point, dh), ROTA_ERR_ARGUMENT);
		}
		CHECK_OK(r->key_make(r->ctx, ROTA_ROT_AGREE_0, point));
		CHECK_EQ(r->sign(r->ctx, ROTA_ROT_AGREE_0, digest, sig), ROTA_ERR_ARGUMENT);
		CHECK_EQ(r->sign(r->ctx, ROTA_ROT_KEYS, digest, sig), ROTA_ERR_ARGUMENT);
		CHECK_EQ(r->agree(r->ctx, ROTA_ROT_KEYS, point, dh), ROTA_ERR_ARGUMENT);
		CHECK_EQ(r->key_make(r->ctx, ROTA_ROT_KEYS, point), ROTA_ERR_ARGUMENT);
		CHECK_EQ(r->key_destroy(r->ctx, ROTA_ROT_KEYS), ROTA_ERR_ARGUMENT);
	}
}

TEST(both_sides_agree)
{
	const struct rota_p256 *p256 = &rota_p256_openssl;
	uint8_t mine[32], peer[ROTA_P256_KEY_LEN], point[ROTA_P256_KEY_LEN];
	uint8_t dh[ROTA_P256_DH_LEN], want[ROTA_P256_DH_LEN];

	for (size_t i = 0; i < BACKENDS; i++) {
		const struct rota_rot *r = begin(i);

		CHECK(r != NULL);
		CHECK_OK(p256->make(p256->ctx, mine, peer));
		for (enum rota_rot_key k = ROTA_ROT_AGREE_0; k <= ROTA_ROT_AGREE_1; k++) {
			CHECK_EQ(r->agree(r->ctx, k, peer, dh), ROTA_ERR_NOT_FOUND);
			CHECK_OK(r->key_make(r->ctx, k, point));
			CHECK_OK(r->agree(r->ctx, k, peer, dh));
			CHECK_OK(p256->agree(p256->ctx, mine, point, want));
			CHECK_MEM(dh, want, sizeof(want));
		}
	}
}

TEST(a_peer_that_is_no_point_is_refused)
{
	const struct rota_p256 *p256 = &rota_p256_openssl;
	uint8_t mine[32], good[ROTA_P256_KEY_LEN], dh[ROTA_P256_DH_LEN];
	uint8_t rows[4][ROTA_P256_KEY_LEN];
	static const char *const why[] = { "off the curve", "compressed", "zeros",
		"beyond the prime" };

	CHECK_OK(p256->make(p256->ctx, mine, good));
	for (size_t n = 0; n < 4; n++)
		memcpy(rows[n], good, sizeof(good));
	rows[0][64] ^= 1;
	rows[1][0] = 2;
	memset(&rows[2][1], 0, 64);
	memset(&rows[3][1], 0xFF, 32);
	for (size_t i = 0; i < BACKENDS; i++) {
		const struct rota_rot *r = begin(i);

		CHECK(r != NULL);
		CHECK_OK(r->key_make(r->ctx, ROTA_ROT_AGREE_1, good));
		for (size_t n = 0; n < 4; n++) {
			ROW(why[n]);
			CHECK_EQ(r->agree(r->ctx, ROTA_ROT_AGREE_1, rows[n], dh), ROTA_ERR_FORMAT);
		}
	}
}

TEST(what_was_wrapped_opens_with_its_aad_alone)
{
	uint8_t wrapped[ROTA_WRAPPED_LEN], back[ROTA_ROT_SECRET_LEN], zeros[32] = { 0 };

	for (size_t i = 0; i < BACKENDS; i++) {
		const struct rota_rot *r = begin(i);

		CHECK(r != NULL);
		CHECK_EQ(r->wrap(r->ctx, ROTA_ROT_SEED, AAD, secret, wrapped), ROTA_ERR_NOT_FOUND);
		CHECK_OK(r->wrap_make(r->ctx, ROTA_ROT_SEED));
		CHECK_OK(r->wrap(r->ctx, ROTA_ROT_SEED, AAD, secret, wrapped));
		CHECK_EQ(wrapped[0], ROTA_ROT_SEED);
		CHECK_OK(r->unwrap(r->ctx, AAD, wrapped, back));
		CHECK_MEM(back, secret, sizeof(secret));
		CHECK_EQ(r->unwrap(r->ctx, ROTA_STR("another device"), wrapped, back),
			ROTA_ERR_SIGNATURE);
		CHECK_MEM(back, zeros, sizeof(back));
		for (size_t at = 1; at < sizeof(wrapped); at += 7) {
			wrapped[at] ^= 0x40;
			CHECK_EQ(r->unwrap(r->ctx, AAD, wrapped, back), ROTA_ERR_SIGNATURE);
			wrapped[at] ^= 0x40;
		}
		wrapped[0] = ROTA_ROT_WRAP_0;
		CHECK_EQ(r->unwrap(r->ctx, AAD, wrapped, back), ROTA_ERR_NOT_FOUND);
		CHECK_OK(r->wrap_make(r->ctx, ROTA_ROT_WRAP_0));
		CHECK_EQ(r->unwrap(r->ctx, AAD, wrapped, back), ROTA_ERR_SIGNATURE);
		wrapped[0] = ROTA_ROT_WRAPS;
		CHECK_EQ(r->unwrap(r->ctx, AAD, wrapped, back), ROTA_ERR_FORMAT);
	}
}

TEST(the_same_secret_is_never_wrapped_alike)
{
	uint8_t one[ROTA_WRAPPED_LEN], two[ROTA_WRAPPED_LEN];

	for (size_t i = 0; i < BACKENDS; i++) {
		const struct rota_rot *r = begin(i);

		CHECK(r != NULL);
		CHECK_OK(r->wrap_make(r->ctx, ROTA_ROT_WRAP_1));
		CHECK_OK(r->wrap(r->ctx, ROTA_ROT_WRAP_1, AAD, secret, one));
		CHECK_OK(r->wrap(r->ctx, ROTA_ROT_WRAP_1, AAD, secret, two));
		CHECK(memcmp(&one[1], &two[1], 12) != 0);
	}
}

TEST(what_a_destroyed_wrap_key_sealed_is_gone)
{
	uint8_t wrapped[ROTA_WRAPPED_LEN], other[ROTA_WRAPPED_LEN], back[ROTA_ROT_SECRET_LEN];
	bool has;

	for (size_t i = 0; i < BACKENDS; i++) {
		const struct rota_rot *r = begin(i);

		CHECK(r != NULL);
		CHECK_OK(r->wrap_has(r->ctx, ROTA_ROT_WRAP_0, &has));
		CHECK(!has);
		CHECK_OK(r->wrap_make(r->ctx, ROTA_ROT_WRAP_0));
		CHECK_OK(r->wrap_make(r->ctx, ROTA_ROT_WRAP_1));
		CHECK_EQ(r->wrap_make(r->ctx, ROTA_ROT_WRAP_0), ROTA_ERR_STATE);
		CHECK_OK(r->wrap(r->ctx, ROTA_ROT_WRAP_0, AAD, secret, wrapped));
		CHECK_OK(r->wrap(r->ctx, ROTA_ROT_WRAP_1, AAD, secret, other));
		CHECK_OK(r->wrap_destroy(r->ctx, ROTA_ROT_WRAP_0));
		CHECK_OK(r->wrap_destroy(r->ctx, ROTA_ROT_WRAP_0));
		CHECK_OK(r->wrap_has(r->ctx, ROTA_ROT_WRAP_0, &has));
		CHECK(!has);
		CHECK_EQ(r->unwrap(r->ctx, AAD, wrapped, back), ROTA_ERR_NOT_FOUND);
		CHECK_OK(r->unwrap(r->ctx, AAD, other, back));
		CHECK_MEM(back, secret, sizeof(secret));
		CHECK_OK(r->wrap_make(r->ctx, ROTA_ROT_WRAP_0));
		CHECK_EQ(r->unwrap(r->ctx, AAD, wrapped, back), ROTA_ERR_SIGNATURE);
		CHECK_EQ(r->wrap_make(r->ctx, ROTA_ROT_WRAPS), ROTA_ERR_ARGUMENT);
		CHECK_EQ(r->wrap_destroy(r->ctx, ROTA_ROT_WRAPS), ROTA_ERR_ARGUMENT);
		CHECK_EQ(r->wrap_has(r->ctx, ROTA_ROT_WRAPS, &has), ROTA_ERR_ARGUMENT);
		CHECK_EQ(r->wrap(r->ctx, ROTA_ROT_WRAPS, AAD, secret, wrapped), ROTA_ERR_ARGUMENT);
	}
}

TEST(its_random_bytes_differ)
{
	uint8_t one[100], two[100];

	for (size_t i = 0; i < BACKENDS; i++) {
		const struct rota_rot *r = begin(i);

		CHECK(r != NULL);
		CHECK_OK(r->random.fill(r->random.ctx, ROTA_BUF(one)));
		CHECK_OK(r->random.fill(r->random.ctx, ROTA_BUF(two)));
		CHECK(memcmp(one, two, sizeof(one)) != 0);
		CHECK(memcmp(one, &one[50], 50) != 0);
	}
}

/* ---- a token that can less ---- */

TEST(a_token_without_ecdh_signs_and_says_what_it_has_not)
{
	const struct rota_rot *r = rot_begin_pkcs11_mood("no-ecdh", NULL);
	uint8_t point[ROTA_P256_KEY_LEN], sig[ROTA_P256_SIG_LEN], dh[ROTA_P256_DH_LEN];

	CHECK(r != NULL);
	CHECK_OK(r->key_make(r->ctx, ROTA_ROT_IDENTITY, point));
	CHECK_OK(r->sign(r->ctx, ROTA_ROT_IDENTITY, digest, sig));
	CHECK_OK(verify(point, sig));
	CHECK_EQ(r->key_make(r->ctx, ROTA_ROT_AGREE_0, point), ROTA_ERR_UNSUPPORTED);
	CHECK_EQ(r->key_point(r->ctx, ROTA_ROT_AGREE_0, point), ROTA_ERR_UNSUPPORTED);
	CHECK_EQ(r->agree(r->ctx, ROTA_ROT_AGREE_0, point, dh), ROTA_ERR_UNSUPPORTED);
}

TEST(a_token_without_gcm_has_wrap_keys_where_it_is_told_or_none)
{
	const struct rota_rot *page = rot_begin_soft();
	const struct rota_rot *r = rot_begin_pkcs11_mood("no-gcm", page);
	uint8_t wrapped[ROTA_WRAPPED_LEN], back[ROTA_ROT_SECRET_LEN];
	bool has;

	CHECK(r != NULL);
	CHECK_EQ(r->caps, 0); /* as its weakest part */
	CHECK_OK(r->wrap_make(r->ctx, ROTA_ROT_SEED));
	CHECK_OK(r->wrap(r->ctx, ROTA_ROT_SEED, AAD, secret, wrapped));
	CHECK_OK(page->unwrap(page->ctx, AAD, wrapped, back));
	CHECK_OK(r->unwrap(r->ctx, AAD, wrapped, back));
	CHECK_OK(r->wrap_destroy(r->ctx, ROTA_ROT_SEED));
	CHECK_OK(page->wrap_has(page->ctx, ROTA_ROT_SEED, &has));
	CHECK(!has);
	ROW("nowhere else");
	r = rot_begin_pkcs11_mood("no-gcm", NULL);
	CHECK(r != NULL);
	CHECK_EQ(r->wrap_make(r->ctx, ROTA_ROT_SEED), ROTA_ERR_UNSUPPORTED);
	CHECK_EQ(r->wrap_has(r->ctx, ROTA_ROT_SEED, &has), ROTA_ERR_UNSUPPORTED);
	CHECK_EQ(r->wrap_destroy(r->ctx, ROTA_ROT_SEED), ROTA_ERR_UNSUPPORTED);
	CHECK_EQ(r->wrap(r->ctx, ROTA_ROT_SEED, AAD, secret, wrapped), ROTA_ERR_UNSUPPORTED);
	CHECK_EQ(r->unwrap(r->ctx, AAD, wrapped, back), ROTA_ERR_UNSUPPORTED);
}

TESTS(T(it_says_what_it_is), T(a_pair_is_made_once_and_stays),
	T(a_pair_that_was_destroyed_is_gone_and_the_next_is_another), T(the_identity_is_for_life),
	T(what_signs_signs_and_what_agrees_does_not), T(both_sides_agree),
	T(a_peer_that_is_no_point_is_refused), T(what_was_wrapped_opens_with_its_aad_alone),
	T(the_same_secret_is_never_wrapped_alike), T(what_a_destroyed_wrap_key_sealed_is_gone),
	T(its_random_bytes_differ), T(a_token_without_ecdh_signs_and_says_what_it_has_not),
	T(a_token_without_gcm_has_wrap_keys_where_it_is_told_or_none))
