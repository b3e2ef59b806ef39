/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/patience.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <string.h>

#define LONG "a-boot-id-that-is-longer-than-one-can-be-and-does-not-end"
#define BOOT "0b1c2d3e-0000-4000-8000-00000000000"

static const uint8_t image[ROTA_SHA256_LEN] = { 1 }, another[ROTA_SHA256_LEN] = { 2 };
static struct rota_fail why;

static bool held(
	struct rota_patience *p, const uint8_t *digest, const char *boot, uint64_t uptime_s)
{
	bool over = false;

	return rota_patience_held(p, digest, boot, uptime_s, &over, &why) == ROTA_OK && over;
}

static struct rota_patience fresh(void)
{
	struct rota_patience p;

	tempdir_fresh();
	rota_patience_open(&p, tempdir_path("order.held"));
	return p;
}

TEST(it_ends_after_a_day)
{
	struct rota_patience p = fresh();
	uint64_t now = 5;

	for (unsigned i = 0; i < ROTA_PATIENCE_HOLDS; i++, now += ROTA_PATIENCE_EVERY_S)
		CHECK(!held(&p, image, BOOT "1", now));
	CHECK(held(&p, image, BOOT "1", now));
	CHECK(held(&p, image, BOOT "2", 1)); /* and stays so */
	CHECK(!held(&p, another, BOOT "2", 1));
}

TEST(asking_often_does_not_end_it_sooner)
{
	struct rota_patience p = fresh();

	for (unsigned i = 0; i < 10 * ROTA_PATIENCE_HOLDS; i++)
		CHECK(!held(&p, image, BOOT "1", i));
	CHECK_EQ(p.holds, 1);
}

TEST(resets_and_restarts_of_the_agent_do_not_stretch_it)
{
	struct rota_patience p = fresh();
	char boot[] = BOOT "1";

	for (unsigned i = 0; i < ROTA_PATIENCE_HOLDS; i++) {
		boot[strlen(boot) - 1] = i % 2 ? 'a' : 'b';
		CHECK(!held(&p, image, boot, 100)); /* the same second of each boot */
		rota_patience_open(&p, tempdir_path("order.held"));
	}
	CHECK(held(&p, image, boot, 100));
}

TEST(nor_does_a_disk_that_takes_nothing)
{
	struct rota_patience p;
	bool over = false;

	rota_patience_open(&p, "/proc/none/order.held");
	for (unsigned i = 0; i < ROTA_PATIENCE_HOLDS; i++)
		CHECK(rota_patience_held(&p, image, BOOT "1", i * ROTA_PATIENCE_EVERY_S, &over,
			      &why) != ROTA_OK &&
			!over);
	CHECK(held(&p, image, BOOT "1", 0));
}

TEST(what_is_no_line_of_ours_counts_as_nothing)
{
	static const char *const rows[] = { "", "\n", "held", "24",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"010000000000000000000000000000000000000000000000000000000000000 24 " BOOT "1 5\n",
		"0100000000000000000000000000000000000000000000000000000000000000 x " BOOT "1 5\n",
		"01000000000000000000000000000000000000000000000000000000000000zz 24 " BOOT "1 5\n",
		"0100000000000000000000000000000000000000000000000000000000000000 24 " LONG
		" 5\n" };
	struct rota_patience p;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i]);
		tempdir_fresh();
		tempdir_put("order.held", rows[i]);
		rota_patience_open(&p, tempdir_path("order.held"));
		CHECK(!held(&p, image, BOOT "1", 5));
		CHECK_EQ(p.holds, 1);
	}
	tempdir_remove();
}

TESTS(T(it_ends_after_a_day), T(asking_often_does_not_end_it_sooner),
	T(resets_and_restarts_of_the_agent_do_not_stretch_it),
	T(nor_does_a_disk_that_takes_nothing), T(what_is_no_line_of_ours_counts_as_nothing))
