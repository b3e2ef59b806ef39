/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of a tree handed to the token of a back end (SPEC 37.12), opened as that one does. */
#include "host/campaign/hand.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "tests/unit/seal_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define TWO_CHUNKS 1100
#define ROW_LEN (32 + 2 * 16)

static struct seal_scene s;
static struct rota_backkeys tree;
static struct rota_hand_plan plan;
static char name[256], path[256];
static uint8_t scalar[ROTA_P256_SECRET_LEN], point[ROTA_P256_KEY_LEN];

static void begin(uint32_t devices, uint8_t purpose)
{
	struct rota_bytes all;
	char *to;

	seal_scene_begin(&s, devices);
	s.plan.purpose = purpose;
	if (rota_seal_run(&s.plan, &s.result, &s.why) != ROTA_OK ||
		rota_file_read(s.export_path, 2 << 20, &all, &s.why) != ROTA_OK ||
		rota_p256_openssl.make(rota_p256_openssl.ctx, scalar, point) != ROTA_OK)
		abort();
	snprintf(name, sizeof(name), "%s", seal_scene_path(&s, "x"));
	name[strlen(name) - 2] = 0;
	to = rota_text("%s.export", name);
	if (rota_file_write(to, rota_bytes_span(&all), 0600, &s.why) != ROTA_OK ||
		rota_backkeys_open(&tree, name, &rota_crypto_openssl, &rota_aead_openssl, &s.why) !=
			ROTA_OK)
		abort();
	rota_bytes_free(&all);
	free(to);
	snprintf(path, sizeof(path), "%s", tempdir_path("hand"));
	plan = (struct rota_hand_plan){ .tree = &tree,
		.hsm = &s.hsm,
		.point = point,
		.p256 = &rota_p256_openssl,
		.entropy = &s.entropy,
		.path = path };
}

static enum rota_err agree(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t dh[static ROTA_P256_DH_LEN])
{
	(void)ctx;
	return rota_p256_openssl.agree(rota_p256_openssl.ctx, scalar, peer, dh);
}

/* As the back end: all rows, in place. */
static enum rota_err open_it(struct rota_bytes *all)
{
	const struct rota_hpke hpke = { &rota_crypto_openssl, &rota_aead_openssl };
	const struct rota_agreement own = { .point = point, .dh = agree };
	const struct rota_hpke_text text = { ROTA_STR("rota-hand-v1"), rota_span(all->p, 60) };
	const struct rota_hpke_psk none = { 0 };
	uint8_t key[32], nonce[12] = { 0 }, *at = all->p + ROTA_HAND_HEAD_LEN;
	struct rota_aead_key file;
	enum rota_err err = ROTA_OK;

	memcpy(key, all->p + 125, sizeof(key));
	ROTA_TRY(rota_hpke_open(
		&hpke, &own, all->p + 60, &none, &text, ROTA_BUF(key), all->p + 157));
	ROTA_TRY(rota_aead_openssl.begin(&file, ROTA_SPAN(key)));
	for (uint32_t left = s.count; err == ROTA_OK && left > 0; nonce[11]++) {
		uint32_t count = left < 1024 ? left : 1024;
		size_t len = (size_t)count * ROW_LEN;

		err = rota_aead_openssl.open(&file, nonce, rota_span(all->p, ROTA_HAND_HEAD_LEN),
			rota_buf(at, len), at + len);
		at += len + 16;
		left -= count;
	}
	rota_aead_openssl.end(&file);
	return err;
}

static struct rota_bytes load(void)
{
	struct rota_bytes all;

	if (rota_file_read(path, 1 << 20, &all, &s.why) != ROTA_OK)
		abort();
	return all;
}

TEST(all_devices_and_their_two_keys)
{
	struct rota_bytes all;

	begin(TWO_CHUNKS, ROTA_PURPOSE_LINK);
	CHECK_OK(rota_hand_write(&plan, &s.why));
	CHECK_EQ(s.opened, 1);
	all = load();
	CHECK_EQ(all.len, ROTA_HAND_HEAD_LEN + TWO_CHUNKS * ROW_LEN + 2 * 16);
	CHECK_OK(open_it(&all));
	for (uint32_t i = 0; i < TWO_CHUNKS; i += 131) {
		struct rota_backkeys_keys keys;
		uint32_t index;
		const uint8_t *row;

		CHECK_OK(rota_backkeys_find(&tree, s.rows[i].device, &index, &s.why));
		CHECK_OK(rota_backkeys_keys(&tree, &s.hsm, s.rows[i].device, index, &keys, &s.why));
		row = all.p + ROTA_HAND_HEAD_LEN + index * ROW_LEN + (index / 1024) * 16;
		CHECK_MEM(row, s.rows[i].device, 32);
		CHECK_MEM(row + 32, keys.up, 16);
		CHECK_MEM(row + 48, keys.down, 16);
	}
	rota_bytes_free(&all);
	CHECK_EQ(rota_hand_write(&plan, &s.why), ROTA_ERR_STATE); /* once */
	rota_backkeys_close(&tree);
	tempdir_remove();
}

/* Head and rows alike. */
TEST(nothing_of_it_may_differ)
{
	static const size_t places[] = { 0, 8, 40, 42, 43, 44, 48, 52, 61, 125, 157, 173, 175, 176,
		176 + 1024 * ROW_LEN, 176 + 1024 * ROW_LEN + 16, 176 + TWO_CHUNKS * ROW_LEN + 31 };
	struct rota_bytes all;

	begin(TWO_CHUNKS, ROTA_PURPOSE_TELEMETRY);
	CHECK_OK(rota_hand_write(&plan, &s.why));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		all = load();
		all.p[places[i]] ^= 1;
		CHECK(open_it(&all) != ROTA_OK);
		rota_bytes_free(&all);
	}
	rota_backkeys_close(&tree);
	tempdir_remove();
}

TEST(for_one_token)
{
	uint8_t other[ROTA_P256_KEY_LEN];
	struct rota_bytes all;

	begin(3, ROTA_PURPOSE_TELEMETRY);
	CHECK_OK(rota_hand_write(&plan, &s.why));
	CHECK_OK(rota_p256_openssl.make(rota_p256_openssl.ctx, scalar, other));
	all = load();
	CHECK_EQ(open_it(&all), ROTA_ERR_SIGNATURE);
	rota_bytes_free(&all);
	rota_backkeys_close(&tree);
	tempdir_remove();
}

TEST(what_is_refused)
{
	begin(3, ROTA_PURPOSE_STORAGE);
	CHECK_EQ(rota_hand_write(&plan, &s.why), ROTA_ERR_DENIED);
	rota_backkeys_close(&tree);
	begin(3, ROTA_PURPOSE_TELEMETRY);
	point[64] ^= 1; /* off the curve */
	CHECK_EQ(rota_hand_write(&plan, &s.why), ROTA_ERR_FORMAT);
	CHECK_EQ(s.opened, 0);
	CHECK(!rota_file_exists(path));
	rota_backkeys_close(&tree);
	tempdir_remove();
}

TESTS(T(all_devices_and_their_two_keys), T(nothing_of_it_may_differ), T(for_one_token),
	T(what_is_refused))
