/* SPDX-License-Identifier: Apache-2.0 */
/* What a refresh leaves for the watchdog of the boot stage (SPEC 10.8). */
#include "boot/watchdog.h"
#include "tests/unit/update_cycles.h"

static const struct rota_rom_watchdog dog = { 7 * 86400, 600, 0 };
static struct rota_bootstate boot;
static int begun, commits;
static enum rota_err fails; /* each commit */

static enum rota_err boot_begin(void *ctx, struct rota_bootstate *out)
{
	(void)ctx;
	begun++;
	*out = boot;
	return ROTA_OK;
}

static enum rota_err boot_commit(void *ctx, const struct rota_bootstate *state)
{
	(void)ctx;
	if (fails != ROTA_OK)
		return fails;
	commits++;
	boot = *state;
	return ROTA_OK;
}

static void boot_end(void *ctx)
{
	(void)ctx;
	begun--;
}

static const struct rota_boot_access access = { NULL, boot_begin, boot_commit, boot_end };

/* A device with a watchdog whose time is over; the repository has a role `time` under `key`, 0: none. */
static struct world *watched(int key)
{
	struct world *w = &world;

	world_init(w);
	if (key != 0)
		(void)maker_delegate(&w->m, MAKER_TARGETS, "time", "time/*", true, key, WORLD_NOW);
	maker_next(&w->m, WORLD_NOW, MAKER_TARGETS, -1);
	rota_bootstate_init(&boot, 0, w->image[FACTORY].digest);
	w->boot = &access;
	w->watchdog = &dog;
	fails = ROTA_OK;
	begun = commits = 0;
	return w;
}

TEST(a_verified_refresh_leaves_a_period_and_the_keys_of_time)
{
	struct world *w = watched(KEY_OTHER);
	struct rota_time_keys keys;

	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(boot.watchdog.left_s, dog.period_s);
	keys = rota_watchdog_keys(&boot);
	CHECK_EQ(keys.count, 1);
	CHECK_EQ(commits, 1);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL); /* a poll costs no commit */
	CHECK_EQ(commits, 1);
	boot.watchdog.left_s = dog.period_s / 2;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(boot.watchdog.left_s, dog.period_s);
	CHECK_EQ(begun, 0);
}

TEST(tickets_count_under_the_keys_of_the_last_refresh)
{
	struct world *w = watched(KEY_OTHER);
	struct maker_role *r = &w->m.role[w->m.role_count - 1];
	uint8_t before[32];

	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	memcpy(before, rota_watchdog_keys(&boot).sha256[0], 32);
	r->keys[0] = r->signers[0] = KEY_DEVICE;
	maker_next(&w->m, w->clock_s, MAKER_TARGETS, -1);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(rota_watchdog_keys(&boot).count, 1);
	CHECK(memcmp(before, rota_watchdog_keys(&boot).sha256[0], 32) != 0);
}

TEST(what_does_not_verify_leaves_nothing)
{
	struct world *w = watched(KEY_OTHER);

	w->m.role[MAKER_TARGETS].signers[0] = KEY_ROGUE1;
	w->m.role[MAKER_TARGETS].signers[1] = KEY_ROGUE2;
	maker_next(&w->m, WORLD_NOW, MAKER_TARGETS, -1);
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK_EQ(boot.watchdog.left_s, 0);
	CHECK_EQ(commits, 0);
}

TEST(a_repository_without_the_role_leaves_no_keys)
{
	struct world *w = watched(0);

	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(boot.watchdog.left_s, dog.period_s);
	CHECK_EQ(rota_watchdog_keys(&boot).count, 0);
}

TEST(a_device_without_a_watchdog_looks_for_nothing)
{
	static const struct rota_rom_watchdog off;
	struct world *w = watched(KEY_OTHER);

	w->watchdog = &off;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(commits, 0);
	w->watchdog = NULL;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(commits, 0);
}

TEST(a_release_is_installed_and_confirmed_beside_it)
{
	struct world *w = watched(KEY_OTHER);

	offer(w, "1.1.0");
	CHECK_EQ(world_settle(w), ROTA_UPDATE_IDLE);
	CHECK(world_runs(w, FIRST));
	CHECK_EQ(boot.watchdog.left_s, dog.period_s);
}

TEST(a_boot_journal_that_cannot_be_written_is_told)
{
	struct world *w = watched(KEY_OTHER);

	fails = ROTA_ERR_IO;
	CHECK_STOPPED(w, ROTA_ERR_IO, ROTA_CLAUSE_SPEC_10);
	CHECK_EQ(begun, 0);
	fails = ROTA_OK;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(boot.watchdog.left_s, dog.period_s);
}

TESTS(T(a_verified_refresh_leaves_a_period_and_the_keys_of_time),
	T(tickets_count_under_the_keys_of_the_last_refresh), T(what_does_not_verify_leaves_nothing),
	T(a_repository_without_the_role_leaves_no_keys),
	T(a_device_without_a_watchdog_looks_for_nothing),
	T(a_release_is_installed_and_confirmed_beside_it),
	T(a_boot_journal_that_cannot_be_written_is_told))
