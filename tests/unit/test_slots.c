/* SPDX-License-Identifier: Apache-2.0 */
/* A set of two components over flash: written, tried, confirmed, reverted together, and cut at every operation. */
#include "rota/store/slots.h"
#include "rota/store/flasharea.h"
#include "tests/unit/flash_mem.h"
#include "tests/unit/test.h"

#define PLACE_LEN 2048
#define SECTOR 512
#define UNIT 8

static const uint8_t one[32] = { 1 }, two[32] = { 2 }, three[32] = { 3 }, four[32] = { 4 };

/* The boot journal and four places on one chip each, of which the journal's may lose its power. */
static struct device {
	struct flash_mem journal_flash, place[4], map[2]; /* maps of component 0 */
	struct rota_journal journal;
	struct rota_boot_access access;
	struct rota_running_source source;
	struct rota_running running;
	bool off;
	struct rota_set set;
	struct rota_flash_area area[2];
	struct rota_set_member member[2];
} dev;

static enum rota_err what_runs(void *ctx, struct rota_running *out)
{
	const struct device *d = ctx;

	*out = d->running;
	return d->off ? ROTA_ERR_NOT_FOUND : ROTA_OK;
}

static enum rota_err load(struct rota_bootstate *s)
{
	return rota_bootstate_load(&dev.journal, s);
}

/* What a boot stage does that finds all images good. */
static enum rota_err boot(void)
{
	struct rota_bootstate s;

	flash_mem_power(&dev.journal_flash);
	ROTA_TRY(rota_journal_open(&dev.journal, &dev.journal_flash.port, ROTA_JOURNAL_BOOT));
	ROTA_TRY(load(&s));
	dev.running = (struct rota_running){ .count = s.count, .places = s.confirmed };
	if (s.phase == ROTA_TRIAL_ASKED) {
		ROTA_TRY(rota_bootstate_start(&s));
		dev.running.kind = ROTA_BOOT_TRIAL;
		dev.running.trial = s.trial;
		dev.running.places ^= s.trial;
	} else if (s.phase == ROTA_TRIAL_STARTED) {
		rota_bootstate_revert(&s);
		dev.running.kind = ROTA_BOOT_REVERTED;
	}
	for (uint8_t i = 0; i < s.count; i++)
		memcpy(dev.running.digest[i], s.digest[i][dev.running.places >> i & 1], 32);
	return rota_bootstate_commit(&dev.journal, &s);
}

static enum rota_err begin_device(void)
{
	struct rota_bootstate s;

	memset(&dev, 0, sizeof(dev));
	flash_mem_init(&dev.journal_flash, 1024, 2, UNIT, 0xFF);
	for (int i = 0; i < 4; i++)
		flash_mem_init(&dev.place[i], SECTOR, PLACE_LEN / SECTOR, UNIT, 0xFF);
	for (int i = 0; i < 2; i++)
		flash_mem_init(&dev.map[i], SECTOR, 1, UNIT, 0xFF);
	rota_bootstate_init(&s, 0, one);
	ROTA_TRY(rota_bootstate_add(&s, two));
	ROTA_TRY(rota_journal_open(&dev.journal, &dev.journal_flash.port, ROTA_JOURNAL_BOOT));
	ROTA_TRY(rota_bootstate_commit(&dev.journal, &s));
	dev.access = rota_boot_access_journal(&dev.journal);
	dev.source = (struct rota_running_source){ &dev, what_runs };
	rota_set_init(&dev.set, &dev.access, &dev.source);
	for (uint8_t i = 0; i < 2; i++) {
		rota_flash_area_init(
			&dev.area[i], &dev.place[2 * i].port, &dev.place[2 * i + 1].port);
		rota_set_member_init(&dev.member[i], &dev.set, i, &dev.area[i].port);
	}
	rota_flash_area_maps(&dev.area[0], &dev.map[0].port, &dev.map[1].port);
	return boot();
}

#define CALL(n, name, ...) dev.member[n].port.name(dev.member[n].port.ctx, __VA_ARGS__)
#define CALL0(n, name) dev.member[n].port.name(dev.member[n].port.ctx)

static enum rota_err write_to(int n, const uint8_t *digest, struct rota_span data)
{
	uint64_t durable;

	ROTA_TRY(CALL(n, begin, digest, data.len, &durable));
	ROTA_TRY(CALL(n, write, 0, data));
	return CALL(n, finish, data.len);
}

static enum rota_err switch_all(void)
{
	return dev.set.port.switch_all(dev.set.port.ctx);
}

static enum rota_err install(void)
{
	ROTA_TRY(write_to(0, three, ROTA_STR("three")));
	ROTA_TRY(write_to(1, four, ROTA_STR("four")));
	ROTA_TRY(CALL(0, trial, three));
	ROTA_TRY(CALL(1, trial, four));
	return switch_all();
}

TEST(a_set_is_written_tried_and_confirmed_as_one)
{
	struct rota_bootstate s;
	struct rota_booted now;
	struct rota_slot slot;
	uint8_t back[5];

	CHECK_OK(begin_device());
	CHECK_OK(CALL(0, inactive, &slot));
	CHECK_EQ(slot.id, 1);
	CHECK_EQ(slot.capacity, PLACE_LEN);
	CHECK_OK(write_to(0, three, ROTA_STR("three")));
	CHECK_OK(CALL(0, read, 0, ROTA_BUF(back)));
	CHECK_MEM(back, "three", 5);
	CHECK_OK(install());
	CHECK_OK(load(&s));
	CHECK_EQ(s.trial, 3);
	CHECK_EQ(CALL0(0, confirm), ROTA_ERR_STATE); /* it does not run yet */
	CHECK_OK(boot());
	for (int i = 0; i < 2; i++) {
		CHECK_OK(CALL(i, booted, &now));
		CHECK_EQ(now.id, 1);
		CHECK_EQ(now.kind, ROTA_BOOT_TRIAL);
		CHECK_EQ(CALL(i, inactive, &slot), ROTA_ERR_BUSY);
	}
	CHECK_OK(CALL0(1, confirm)); /* one for both */
	CHECK_OK(CALL0(0, confirm));
	CHECK_OK(CALL(0, booted, &now));
	CHECK_EQ(now.kind, ROTA_BOOT_CONFIRMED);
	CHECK_OK(load(&s));
	CHECK_EQ(s.confirmed, 3);
	CHECK_OK(CALL(0, inactive, &slot));
	CHECK_EQ(slot.id, 0);
}

TEST(a_trial_is_asked_for_by_the_switch_alone)
{
	struct rota_bootstate s;
	uint64_t durable;

	CHECK_OK(begin_device());
	CHECK_OK(switch_all()); /* nothing was asked for */
	CHECK_OK(write_to(0, three, ROTA_STR("three")));
	CHECK_OK(CALL(0, trial, three));
	CHECK_OK(load(&s));
	CHECK_EQ(s.phase, ROTA_TRIAL_NONE);
	CHECK_OK(CALL(1, begin, four, 4, &durable)); /* what was asked for before is forgotten */
	CHECK_OK(switch_all());
	CHECK_OK(load(&s));
	CHECK_EQ(s.phase, ROTA_TRIAL_NONE);
	CHECK_OK(CALL(0, trial, three));
	CHECK_OK(CALL0(0, revert));
	CHECK_OK(switch_all());
	CHECK_OK(load(&s));
	CHECK_EQ(s.phase, ROTA_TRIAL_NONE);
}

TEST(one_member_is_reverted_with_the_other)
{
	struct rota_bootstate s;
	struct rota_booted now;
	uint64_t durable;

	CHECK_OK(begin_device());
	CHECK_OK(install());
	CHECK_OK(boot());
	CHECK_OK(CALL0(1, revert));
	CHECK_OK(CALL0(0, revert));
	CHECK_EQ(CALL0(0, confirm), ROTA_ERR_STATE);
	/* they run still: the other places are what the next boot runs */
	CHECK_EQ(CALL(0, begin, three, 5, &durable), ROTA_ERR_BUSY);
	CHECK_OK(CALL(0, trial, three));
	CHECK_EQ(switch_all(), ROTA_ERR_BUSY);
	CHECK_OK(boot());
	CHECK_OK(CALL(1, booted, &now));
	CHECK_EQ(now.id, 0);
	CHECK_OK(load(&s));
	CHECK_EQ(s.confirmed, 0);
}

TEST(a_member_that_does_not_switch_is_no_trial)
{
	struct rota_booted now;
	struct rota_bootstate s;

	CHECK_OK(begin_device());
	CHECK_OK(write_to(1, four, ROTA_STR("four")));
	CHECK_OK(CALL(1, trial, four));
	CHECK_OK(switch_all());
	CHECK_OK(boot());
	CHECK_OK(CALL(0, booted, &now));
	CHECK_EQ(now.kind, ROTA_BOOT_CONFIRMED);
	CHECK_EQ(now.id, 0);
	CHECK_OK(CALL(1, booted, &now));
	CHECK_EQ(now.kind, ROTA_BOOT_TRIAL);
	CHECK_OK(CALL0(0, confirm));
	CHECK_OK(load(&s));
	CHECK_EQ(s.confirmed, 2);
}

TEST(only_the_set_that_runs_is_confirmed)
{
	CHECK_OK(begin_device());
	CHECK_OK(install());
	CHECK_OK(boot());
	dev.running.digest[1][0]++; /* the right place, another image */
	CHECK_EQ(CALL0(0, confirm), ROTA_ERR_STATE);
	dev.running.digest[1][0]--;
	dev.running.places = 1; /* a mixture */
	memcpy(dev.running.digest[1], two, 32);
	CHECK_EQ(CALL0(0, confirm), ROTA_ERR_STATE);
	dev.running.places = 3;
	memcpy(dev.running.digest[1], four, 32);
	dev.off = true; /* it has ended: the next boot has to judge it */
	CHECK_EQ(CALL0(0, confirm), ROTA_ERR_NOT_FOUND);
	dev.off = false;
	CHECK_OK(CALL0(0, confirm));
}

TEST(a_set_is_forgotten_before_a_place_of_it_changes)
{
	struct rota_bootstate s;
	uint64_t durable;

	CHECK_OK(begin_device());
	CHECK_OK(install());
	CHECK_OK(boot());
	CHECK_OK(CALL0(0, confirm));
	CHECK_OK(load(&s));
	CHECK_EQ(rota_bootstate_others(&s), 3); /* the set before */
	CHECK_OK(CALL(1, begin, two, 3, &durable));
	CHECK_OK(load(&s));
	CHECK_EQ(rota_bootstate_others(&s), 0);
}

TEST(a_fallback_set_is_kept_before_the_others_are_written)
{
	struct rota_bootstate s;
	struct rota_slot slot;
	uint64_t durable;

	CHECK_OK(begin_device());
	CHECK_OK(install());
	CHECK_OK(boot());
	CHECK_OK(CALL0(0, confirm));
	CHECK_OK(boot());
	dev.running.kind = ROTA_BOOT_FALLBACK;
	dev.running.places = 0;
	memcpy(dev.running.digest[0], one, 32);
	memcpy(dev.running.digest[1], two, 32);
	CHECK_OK(CALL(0, inactive, &slot));
	CHECK_EQ(slot.id, 1);
	CHECK_OK(CALL(0, trial, three));
	CHECK_EQ(switch_all(), ROTA_ERR_STATE);
	CHECK_OK(CALL(0, begin, three, 5, &durable));
	CHECK_OK(load(&s));
	CHECK_EQ(s.confirmed, 0);
	CHECK_MEM(s.digest[1][0], two, 32);
	CHECK_EQ(rota_bootstate_others(&s), 0);
}

TEST(an_unknown_image_is_told_until_it_is_known)
{
	struct rota_bootstate s;
	struct rota_booted now;

	CHECK_OK(begin_device());
	dev.running.kind = ROTA_BOOT_FALLBACK;
	dev.running.unknown = true;
	dev.running.places = 1;
	CHECK_OK(CALL(0, booted, &now));
	CHECK(now.unknown);
	CHECK_OK(load(&s));
	CHECK_OK(rota_bootstate_adopt(&s, 0, 1, three));
	CHECK_OK(rota_bootstate_commit(&dev.journal, &s));
	CHECK_OK(CALL(0, booted, &now));
	CHECK(!now.unknown);
}

TEST(writes_are_in_order_and_in_the_image)
{
	static const uint8_t big[PLACE_LEN] = { 7, 8, 9 };
	uint64_t durable;
	uint8_t back[3];

	CHECK_OK(begin_device());
	CHECK_EQ(CALL(0, write, 0, ROTA_STR("x")), ROTA_ERR_ARGUMENT); /* not begun */
	CHECK_EQ(CALL(0, finish, 0), ROTA_ERR_ARGUMENT);
	CHECK_EQ(CALL(0, begin, three, PLACE_LEN + 1, &durable), ROTA_ERR_FULL);
	CHECK_OK(CALL(0, begin, three, PLACE_LEN, &durable));
	CHECK_EQ(durable, 0);
	CHECK_OK(CALL(0, write, 0, rota_span(big, 3)));
	CHECK_EQ(CALL(0, write, 4, ROTA_STR("x")), ROTA_ERR_ARGUMENT);
	CHECK_EQ(CALL(0, write, 2, ROTA_STR("x")), ROTA_ERR_ARGUMENT);
	CHECK_OK(CALL(0, write, 3, rota_span(&big[3], PLACE_LEN - 3)));
	CHECK_EQ(CALL(0, write, PLACE_LEN, ROTA_STR("x")), ROTA_ERR_FULL);
	CHECK_OK(CALL(0, finish, PLACE_LEN));
	CHECK_OK(CALL(0, read, 0, ROTA_BUF(back)));
	CHECK_MEM(back, big, 3);
	CHECK_EQ(CALL(0, read, PLACE_LEN, ROTA_BUF(back)), ROTA_ERR_ARGUMENT);
	CHECK_OK(CALL(0, write, 0, rota_span(&big[2], 1))); /* again from the start */
	CHECK_OK(CALL(0, finish, 1)); /* not whole: what is not a unit stays in RAM */
	CHECK_OK(CALL(0, begin, three, 1, &durable));
	CHECK_OK(CALL(0, write, 0, rota_span(&big[2], 1)));
	CHECK_OK(CALL(0, finish, 1));
	CHECK_OK(CALL(0, finish, 1)); /* repeated */
	CHECK_OK(CALL(0, read, 0, rota_buf(back, 1)));
	CHECK_EQ(back[0], 9);
}

/* ---- writes that are cut off ---- */

#define IMAGE_LEN (3 * SECTOR + 21)
static uint8_t image[IMAGE_LEN];

/* Write on from `off` in odd pieces, until the power goes. */
static enum rota_err write_on(uint64_t off)
{
	while (off < IMAGE_LEN) {
		size_t n = IMAGE_LEN - off < 37 ? (size_t)(IMAGE_LEN - off) : 37;

		ROTA_TRY(CALL(0, write, off, rota_span(&image[off], n)));
		off += n;
		if (dev.map[1].off)
			return ROTA_ERR_IO;
	}
	return CALL(0, finish, IMAGE_LEN);
}

/* Whether all of the first `len` bytes read back. */
static bool reads_back(uint64_t len)
{
	static uint8_t back[IMAGE_LEN];

	return len == 0 ||
		(CALL(0, read, 0, rota_buf(back, (size_t)len)) == ROTA_OK &&
			memcmp(back, image, (size_t)len) == 0);
}

/* 1: past the end; 0: cut, and what was durable is there; -1: it is not. */
static int cut_write(struct flash_mem *flash, uint32_t at, enum flash_tear tear, unsigned *resumed)
{
	uint64_t durable;
	bool cut;

	if (begin_device() != ROTA_OK)
		return -1;
	flash_mem_cut_at(flash, at, tear, at);
	if (CALL(0, begin, three, IMAGE_LEN, &durable) == ROTA_OK && !dev.map[1].off &&
		write_on(durable) != ROTA_OK && !flash->off)
		return -1;
	cut = flash->off;
	flash_mem_power(&dev.place[1]);
	flash_mem_power(&dev.map[1]);
	if (CALL(0, begin, three, IMAGE_LEN, &durable) != ROTA_OK || !reads_back(durable) ||
		(durable % SECTOR != 0 && durable != IMAGE_LEN))
		return -1;
	*resumed += durable != 0;
	if (write_on(durable) != ROTA_OK || !reads_back(IMAGE_LEN))
		return -1;
	return cut ? 0 : 1;
}

TEST(a_write_that_was_cut_off_goes_on_at_the_sector_that_it_was_in)
{
	unsigned resumed = 0, cuts = 0;

	for (size_t i = 0; i < IMAGE_LEN; i++)
		image[i] = (uint8_t)(i * 7 + i / 256);
	for (int i = 0; i < 2 * FLASH_TEAR_COUNT; i++) {
		int result = 0;

		for (uint32_t at = 1; result == 0; at++, cuts++) {
			result = cut_write(i % 2 == 0 ? &dev.place[1] : &dev.map[1], at,
				(enum flash_tear)(i / 2), &resumed);
			CHECK(result >= 0);
		}
	}
	CHECK(cuts > 500);
	CHECK(resumed > cuts / 2);
}

TEST(only_the_same_image_is_gone_on_with)
{
	uint64_t durable;

	CHECK_OK(begin_device());
	CHECK_OK(CALL(0, begin, three, IMAGE_LEN, &durable));
	CHECK_OK(write_on(0));
	CHECK_OK(CALL(0, begin, three, IMAGE_LEN, &durable));
	CHECK_EQ(durable, IMAGE_LEN); /* whole already */
	CHECK_OK(CALL(0, finish, IMAGE_LEN));
	/* it did not verify: from the start */
	CHECK_OK(CALL(0, write, 0, rota_span(image, SECTOR)));
	CHECK_OK(CALL(0, begin, three, IMAGE_LEN, &durable));
	CHECK_EQ(durable, 0);
	CHECK_OK(write_on(0));
	CHECK_OK(CALL(0, begin, four, IMAGE_LEN, &durable));
	CHECK_EQ(durable, 0);
	CHECK_OK(CALL(0, begin, three, IMAGE_LEN, &durable));
	CHECK_EQ(durable, 0);
}

/* ---- cuts of the boot journal ---- */

static bool same(const uint8_t *digest, const uint8_t *want)
{
	return memcmp(digest, want, 32) == 0;
}

/* Every boot runs the old set or the new one. */
static bool whole(void)
{
	uint8_t(*d)[32] = dev.running.digest;

	return (same(d[0], one) && same(d[1], two)) || (same(d[0], three) && same(d[1], four));
}

/* An update to its end, with boots, from whatever stands. False: an error. */
static bool update(void)
{
	struct rota_bootstate s;

	for (int i = 0; i < 6; i++) {
		if (load(&s) != ROTA_OK || !whole())
			return false;
		if (dev.running.kind == ROTA_BOOT_TRIAL)
			return CALL0(0, confirm) == ROTA_OK && CALL0(1, confirm) == ROTA_OK;
		if (s.confirmed == 3 && s.phase == ROTA_TRIAL_NONE)
			return true;
		if (s.phase != ROTA_TRIAL_ASKED && install() != ROTA_OK)
			return false;
		if (boot() != ROTA_OK)
			return false;
	}
	return false;
}

/* 1: past the end of the update; 0: cut, and well; -1: not well. */
static int cut_once(uint32_t at, enum flash_tear tear)
{
	struct rota_bootstate s;

	if (begin_device() != ROTA_OK)
		return -1;
	flash_mem_cut_at(&dev.journal_flash, at, tear, at);
	if (update() && !dev.journal_flash.off)
		return 1;
	if (!dev.journal_flash.off || boot() != ROTA_OK || !whole() || !update())
		return -1;
	return load(&s) == ROTA_OK && s.confirmed == 3 && s.phase == ROTA_TRIAL_NONE ? 0 : -1;
}

TEST(a_set_is_never_mixed_by_a_cut_of_its_journal)
{
	unsigned cuts = 0;

	for (int tear = 0; tear < FLASH_TEAR_COUNT; tear++) {
		int result = 0;

		for (uint32_t at = 1; result == 0; at++) {
			result = cut_once(at, (enum flash_tear)tear);
			CHECK(result >= 0);
			cuts++;
		}
	}
	CHECK(cuts > 100);
}

TESTS(T(a_set_is_written_tried_and_confirmed_as_one), T(a_trial_is_asked_for_by_the_switch_alone),
	T(one_member_is_reverted_with_the_other), T(a_member_that_does_not_switch_is_no_trial),
	T(only_the_set_that_runs_is_confirmed), T(a_set_is_forgotten_before_a_place_of_it_changes),
	T(a_fallback_set_is_kept_before_the_others_are_written),
	T(an_unknown_image_is_told_until_it_is_known), T(writes_are_in_order_and_in_the_image),
	T(a_write_that_was_cut_off_goes_on_at_the_sector_that_it_was_in),
	T(only_the_same_image_is_gone_on_with), T(a_set_is_never_mixed_by_a_cut_of_its_journal))
