/* SPDX-License-Identifier: Apache-2.0 */
/* ports/rot_soft on flash that fails: each program and erase step cut, in every way, on several chips. */
#include "ports/crypto_openssl/secret.h"
#include "ports/flash_sim/flash_sim.h"
#include "ports/rot_soft/page.h"
#include "ports/rot_soft/rot_soft.h"
#include "tests/unit/test.h"

#define AAD ROTA_STR("purpose, generation, device")

static const struct rota_flash_sim_chip chips[] = {
	{ .runs = { { 1024, 2 } }, .write_len = 4, .erased = 0xFF, .erase_steps = 3 },
	{ .runs = { { 2048, 2 } },
		.write_len = 8,
		.erased = 0xFF,
		.once = true,
		.ecc = true,
		.erase_steps = 4 },
	{ .runs = { { 1024, 2 } },
		.write_len = 32,
		.erased = 0xFF,
		.once = true,
		.ecc = true,
		.erase_steps = 2 },
	{ .runs = { { 4096, 2 } }, .write_len = 4, .erased = 0x00, .once = true, .erase_steps = 3 },
};

#define CHIPS (sizeof(chips) / sizeof(chips[0]))

static const uint8_t secret[ROTA_ROT_SECRET_LEN] = { 9, 8, 7 };

static struct rota_sim_supply supply;
static struct rota_flash_sim sim;
static struct rota_flash_sim_region page;
static struct rota_rot_soft soft;
static const struct rota_rot *const r = &soft.port;

/* Bytes that nobody has to guess: the tests repeat themselves. */
static enum rota_err count_up(void *ctx, struct rota_buf room)
{
	static uint8_t next;

	(void)ctx;
	for (size_t i = 0; i < room.len; i++)
		room.p[i] = next++;
	return ROTA_OK;
}

static const struct rota_random counted = { NULL, count_up };

static void open_soft(void)
{
	const struct rota_rot_soft_parts parts = { &page.port, &rota_p256_openssl,
		&rota_aead_openssl, &counted };

	rota_rot_soft_init(&soft, &parts);
}

static void blank(const struct rota_flash_sim_chip *chip)
{
	uint32_t len = chip->runs[0].sector_len;

	rota_flash_sim_free(&sim);
	rota_sim_supply_init(&supply, 1);
	if (rota_flash_sim_init(&sim, chip, &supply) != ROTA_OK ||
		rota_flash_sim_region(&page, &sim, 0, len, 2) != ROTA_OK)
		test_fail(__FILE__, __LINE__, "no chip");
	open_soft();
}

/* ---- one life of a device's keys ---- */

enum step { IDENTITY, AGREE_0, WRAP_0, SEAL, WRAP_1, AGREE_1, NO_AGREE_0, NO_WRAP_0, STEPS };

static uint8_t wrapped[ROTA_WRAPPED_LEN], points[ROTA_ROT_KEYS][ROTA_P256_KEY_LEN];

static enum rota_err make(enum rota_rot_key key)
{
	enum rota_err err = r->key_make(r->ctx, key, points[key]);

	return err == ROTA_ERR_STATE ? r->key_point(r->ctx, key, points[key]) : err;
}

static enum rota_err make_wrap(enum rota_rot_wrap place)
{
	enum rota_err err = r->wrap_make(r->ctx, place);

	return err == ROTA_ERR_STATE ? ROTA_OK : err;
}

static enum rota_err step(enum step s)
{
	switch (s) {
	case IDENTITY:
		return make(ROTA_ROT_IDENTITY);
	case AGREE_0:
		return make(ROTA_ROT_AGREE_0);
	case WRAP_0:
		return make_wrap(ROTA_ROT_WRAP_0);
	case SEAL:
		return r->wrap(r->ctx, ROTA_ROT_WRAP_0, AAD, secret, wrapped);
	case WRAP_1:
		return make_wrap(ROTA_ROT_WRAP_1);
	case AGREE_1:
		return make(ROTA_ROT_AGREE_1);
	case NO_AGREE_0:
		return r->key_destroy(r->ctx, ROTA_ROT_AGREE_0);
	case NO_WRAP_0:
		return r->wrap_destroy(r->ctx, ROTA_ROT_WRAP_0);
	case STEPS:
	default:
		return ROTA_ERR_ARGUMENT;
	}
}

static bool pair_is(enum rota_rot_key key, bool there)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	enum rota_err err = r->key_point(r->ctx, key, point);

	if (!there)
		return err == ROTA_ERR_NOT_FOUND;
	return err == ROTA_OK && memcmp(point, points[key], sizeof(point)) == 0;
}

static bool opens(bool there)
{
	uint8_t back[ROTA_ROT_SECRET_LEN];
	enum rota_err err = r->unwrap(r->ctx, AAD, wrapped, back);

	if (!there)
		return err == ROTA_ERR_NOT_FOUND;
	return err == ROTA_OK && memcmp(back, secret, sizeof(back)) == 0;
}

static bool wrap_is(enum rota_rot_wrap place, bool there)
{
	bool has;

	return r->wrap_has(r->ctx, place, &has) == ROTA_OK && has == there;
}

/* What must be so once the first `done` steps were done, and before the next. */
static bool holds(unsigned done)
{
	return pair_is(ROTA_ROT_IDENTITY, done > IDENTITY) &&
		pair_is(ROTA_ROT_AGREE_0, done > AGREE_0 && done <= NO_AGREE_0) &&
		pair_is(ROTA_ROT_AGREE_1, done > AGREE_1) &&
		wrap_is(ROTA_ROT_WRAP_0, done > WRAP_0 && done <= NO_WRAP_0) &&
		wrap_is(ROTA_ROT_WRAP_1, done > WRAP_1) &&
		(done <= SEAL || opens(done <= NO_WRAP_0));
}

/* The operations that one whole life takes. */
static uint64_t whole_life(const struct rota_flash_sim_chip *chip)
{
	blank(chip);
	rota_sim_supply_plan(&supply, 0, ROTA_SIM_NONE, 1);
	for (unsigned s = 0; s < STEPS; s++) {
		if (step((enum step)s) != ROTA_OK || !holds(s + 1))
			test_fail(__FILE__, __LINE__, "an undisturbed life went wrong");
	}
	return supply.ops;
}

/* A pair that was made and never heard of has another point than the one remembered. */
static void forget_point(unsigned s)
{
	static const enum rota_rot_key of[STEPS] = { [IDENTITY] = ROTA_ROT_IDENTITY,
		[AGREE_0] = ROTA_ROT_AGREE_0,
		[AGREE_1] = ROTA_ROT_AGREE_1 };

	if (s == IDENTITY || s == AGREE_0 || s == AGREE_1)
		(void)r->key_point(r->ctx, of[s], points[of[s]]);
}

/* The power goes at operation `at`; again at the second operation after it came back; then all is done. */
static void cut_life(const struct rota_flash_sim_chip *chip, uint64_t at, enum rota_sim_fault fault)
{
	unsigned s = 0;

	blank(chip);
	rota_sim_supply_plan(&supply, at, fault, at * 7 + (uint64_t)fault);
	while (s < STEPS && step((enum step)s) == ROTA_OK)
		s++;
	CHECK(s < STEPS);
	rota_sim_supply_on(&supply);
	rota_sim_supply_plan(&supply, 2, fault, at);
	(void)wrap_is(ROTA_ROT_WRAP_0, true);
	rota_sim_supply_on(&supply);
	rota_sim_supply_plan(&supply, 0, ROTA_SIM_NONE, at);
	forget_point(s);
	CHECK(holds(s) || holds(s + 1));
	for (; s < STEPS; s++)
		CHECK_OK(step((enum step)s));
	CHECK(holds(STEPS));
	CHECK_EQ(sim.broken, 0);
}

TEST(cut_anywhere_a_change_was_made_or_not)
{
	for (size_t i = 0; i < CHIPS; i++) {
		uint64_t ops = whole_life(&chips[i]);

		for (uint64_t at = 1; at <= ops && !test_failed; at += 1 + ops / 250) {
			for (unsigned f = ROTA_SIM_CUT_BEFORE;
				f <= ROTA_SIM_CUT_UNSYNCED && !test_failed; f++)
				cut_life(&chips[i], at, (enum rota_sim_fault)f);
		}
	}
}

/* Whether these bytes stand anywhere on the chip. */
static bool on_flash(const uint8_t *bytes, size_t len)
{
	static uint8_t all[8192];
	uint32_t size = 2 * page.port.run[0].sector_len;

	if (rota_flash_sim_read(&sim, 0, rota_buf(all, size)) != ROTA_OK)
		return true;
	for (uint32_t at = 0; at + len <= size; at++) {
		if (memcmp(&all[at], bytes, len) == 0)
			return true;
	}
	return false;
}

TEST(what_was_destroyed_is_on_no_flash)
{
	for (size_t i = 0; i < CHIPS; i++) {
		struct rota_soft_page at;
		struct rota_soft_keys keys;

		blank(&chips[i]);
		CHECK_OK(make(ROTA_ROT_AGREE_0));
		CHECK_OK(make_wrap(ROTA_ROT_WRAP_0));
		CHECK_OK(rota_soft_page_open(&at, &page.port, &keys));
		CHECK(on_flash(keys.wrap[ROTA_ROT_WRAP_0], 32));
		CHECK(on_flash(keys.pair[ROTA_ROT_AGREE_0].secret, 32));
		CHECK_OK(r->wrap_destroy(r->ctx, ROTA_ROT_WRAP_0));
		CHECK_OK(r->key_destroy(r->ctx, ROTA_ROT_AGREE_0));
		CHECK(!on_flash(keys.wrap[ROTA_ROT_WRAP_0], 32));
		CHECK(!on_flash(keys.pair[ROTA_ROT_AGREE_0].secret, 32));
	}
}

TEST(older_flash_is_believed_for_there_is_no_hardware)
{
	struct rota_flash_sim_image image = { 0 };

	blank(&chips[0]);
	CHECK_OK(make_wrap(ROTA_ROT_WRAP_0));
	CHECK_OK(r->wrap(r->ctx, ROTA_ROT_WRAP_0, AAD, secret, wrapped));
	CHECK_OK(rota_flash_sim_save(&sim, &image));
	CHECK_OK(r->wrap_destroy(r->ctx, ROTA_ROT_WRAP_0));
	CHECK(opens(false));
	rota_flash_sim_restore(&sim, &image);
	rota_flash_sim_image_free(&image);
	CHECK(opens(true));
	CHECK_EQ(r->caps, 0);
}

TEST(a_page_of_another_shape_is_refused)
{
	static const struct rota_flash_run runs[][2] = { { { 512, 2 }, { 0, 0 } },
		{ { 1024, 3 }, { 0, 0 } }, { { 1024, 1 }, { 2048, 1 } } };
	uint8_t point[ROTA_P256_KEY_LEN];

	blank(&chips[0]);
	for (size_t i = 0; i < 3; i++) {
		page.port.run[0] = runs[i][0];
		page.port.run[1] = runs[i][1];
		CHECK_EQ(r->key_point(r->ctx, ROTA_ROT_IDENTITY, point), ROTA_ERR_ARGUMENT);
	}
}

TESTS(T(cut_anywhere_a_change_was_made_or_not), T(what_was_destroyed_is_on_no_flash),
	T(older_flash_is_believed_for_there_is_no_hardware), T(a_page_of_another_shape_is_refused))
