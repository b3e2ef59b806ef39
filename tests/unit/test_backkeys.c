/* SPDX-License-Identifier: Apache-2.0 */
/* Keys for a back end out of a campaign's copies (SPEC 37.11): those that the device has, of two uses and of two purposes. */
#include "host/campaign/backkeys.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "tests/unit/seal_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static struct seal_scene s;
static struct rota_backkeys r;
static struct rota_backkeys_keys keys;
static char name[256];

/* Sealed, with the export beside it. */
static void begin(uint32_t count, uint8_t purpose, uint8_t cipher)
{
	struct rota_bytes all;
	char *to;

	seal_scene_begin(&s, count);
	s.plan.purpose = purpose;
	s.plan.cipher = cipher;
	if (rota_seal_run(&s.plan, &s.result, &s.why) != ROTA_OK ||
		rota_file_read(s.export_path, 2 << 20, &all, &s.why) != ROTA_OK)
		abort();
	snprintf(name, sizeof(name), "%s", seal_scene_path(&s, "x"));
	name[strlen(name) - 2] = 0;
	to = rota_text("%s.export", name);
	if (rota_file_write(to, rota_bytes_span(&all), 0600, &s.why) != ROTA_OK)
		abort();
	rota_bytes_free(&all);
	free(to);
}

static enum rota_err open_it(void)
{
	return rota_backkeys_open(&r, name, &rota_crypto_openssl, &rota_aead_openssl, &s.why);
}

static bool follows(uint32_t device, enum rota_key_use use, const uint8_t *key, size_t len)
{
	const struct rota_datakey of = { s.plan.purpose, s.plan.cipher, s.plan.generation,
		s.rows[device].device };
	uint8_t secret[ROTA_SECRET_LEN], want[32];

	return seal_scene_open(&s, device, NULL, 0, secret) == ROTA_OK &&
		rota_datakey_derive(&rota_crypto_openssl, secret, &of, use,
			rota_buf(want, rota_datakey_len(use, s.plan.cipher))) == ROTA_OK &&
		len == rota_datakey_len(use, s.plan.cipher) && memcmp(key, want, len) == 0;
}

static enum rota_err keys_of(uint32_t device)
{
	uint32_t index;

	ROTA_TRY(rota_backkeys_find(&r, s.rows[device].device, &index, &s.why));
	return rota_backkeys_keys(&r, &s.hsm, s.rows[device].device, index, &keys, &s.why);
}

TEST(they_are_those_of_the_device)
{
	static const uint8_t ciphers[] = { ROTA_CIPHER_AES128_GCM, ROTA_CIPHER_AES256_GCM };

	for (size_t c = 0; c < sizeof(ciphers); c++) {
		begin(1100, ROTA_PURPOSE_LINK, ciphers[c]);
		CHECK_OK(open_it());
		CHECK_EQ(s.opened, 0);
		for (uint32_t i = 0; i < 1100; i += 157) {
			unsigned opened = s.opened;

			CHECK_OK(keys_of(i));
			CHECK_EQ(s.opened, opened + 1); /* one question to the HSM */
			CHECK(follows(i, ROTA_USE_UP, keys.up, keys.len));
			CHECK(follows(i, ROTA_USE_DOWN, keys.down, keys.len));
		}
		rota_backkeys_close(&r);
	}
	tempdir_remove();
}

TEST(who_is_not_in_the_tree_has_none)
{
	uint8_t other[ROTA_DEVICE_LEN];
	uint32_t index;

	begin(3, ROTA_PURPOSE_TELEMETRY, 1);
	CHECK_OK(open_it());
	for (unsigned last = 0; last < 256; last += 255) {
		memset(other, (int)last, sizeof(other));
		CHECK_EQ(rota_backkeys_find(&r, other, &index, &s.why), ROTA_ERR_NOT_FOUND);
	}
	CHECK_EQ(rota_backkeys_keys(&r, &s.hsm, other, 3, &keys, &s.why), ROTA_ERR_ARGUMENT);
	CHECK_EQ(s.opened, 0);
	rota_backkeys_close(&r);
	tempdir_remove();
}

TEST(no_back_end_gets_keys_for_storage)
{
	static const uint8_t purposes[] = { ROTA_PURPOSE_STORAGE, ROTA_PURPOSE_FIRMWARE,
		ROTA_PURPOSE_AUTH };

	for (size_t i = 0; i < sizeof(purposes); i++) {
		begin(3, purposes[i], 1);
		CHECK_OK(open_it());
		CHECK_EQ(keys_of(1), ROTA_ERR_DENIED);
		CHECK_EQ(s.opened, 0);
		rota_backkeys_close(&r);
	}
	tempdir_remove();
}

static void patch(const char *kind, size_t at)
{
	char *path = rota_text("%s.%s", name, kind);
	struct rota_bytes all;

	if (rota_file_read(path, 4 << 20, &all, &s.why) != ROTA_OK || at >= all.len)
		abort();
	all.p[at] ^= 1;
	if (rota_file_write(path, rota_bytes_span(&all), 0600, &s.why) != ROTA_OK)
		abort();
	rota_bytes_free(&all);
	free(path);
}

TEST(files_that_are_damaged)
{
	static const uint8_t zeros[32];

	begin(3, ROTA_PURPOSE_TELEMETRY, 1);
	patch("copies", 150);
	CHECK_OK(open_it());
	CHECK_EQ(keys_of(0), ROTA_ERR_SIGNATURE);
	CHECK_MEM(keys.up, zeros, sizeof(zeros));
	rota_backkeys_close(&r);
	patch("copies", 20);
	CHECK_EQ(open_it(), ROTA_ERR_CORRUPT);
	patch("copies", 20);
	patch("keys", 20);
	CHECK(open_it() != ROTA_OK);
	patch("keys", 20);
	CHECK_OK(open_it());
	rota_backkeys_close(&r);
	tempdir_remove();
}

/* In the place of the copies of tree 0: those of tree 1, and those of another campaign's. */
TEST(copies_of_another_tree)
{
	for (unsigned other = 0; other < 2; other++) {
		char *to;

		begin(3, ROTA_PURPOSE_TELEMETRY, 1);
		to = rota_text("%s.copies", name);
		s.plan.tree = (uint16_t)other;
		if (other == 1)
			seal_scene_agree(&s);
		s.plan.campaign[0] ^= other == 0;
		CHECK_OK(rota_seal_run(&s.plan, &s.result, &s.why));
		CHECK_OK(rota_file_rename(seal_scene_path(&s, "copies"), to, &s.why));
		CHECK_EQ(open_it(), ROTA_ERR_CORRUPT);
		free(to);
	}
	tempdir_remove();
}

TESTS(T(they_are_those_of_the_device), T(who_is_not_in_the_tree_has_none),
	T(no_back_end_gets_keys_for_storage), T(files_that_are_damaged), T(copies_of_another_tree))
