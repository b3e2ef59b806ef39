/* SPDX-License-Identifier: Apache-2.0 */
/* A part of the cuts of tests/powercut/keyslife, and older flash put back: enough that a step which is made durable too late,
 * or destroyed too early, is seen in seconds. */
#include "tests/powercut/keycut.h"
#include "tests/unit/test.h"

TEST(every_cut_loses_no_key_and_brings_none_back)
{
	const struct keycut_plan plan = {
		.seed = 7, .stride = 16, .doubles = 20, .shares = 1, .only_step = -1
	};

	for (int i = 0; i < 2; i++) {
		struct keycut_counts n;

		ROW(key_boards[i].name);
		CHECK(keycut_board(&plan, &key_boards[i], &n));
		CHECK(n.cuts > 500 && n.twice > 10);
	}
}

TEST(older_flash_brings_no_destroyed_key_back)
{
	struct keycut_old n;

	ROW("with a state counter");
	CHECK(keycut_put_back(&key_boards[1], true, &n));
	CHECK(n.restored > n.put_back / 2);
	ROW("without");
	CHECK(keycut_put_back(&key_boards[1], false, &n));
	CHECK_EQ(n.restored, 0);
	CHECK(n.told > 0);
}

TESTS(T(every_cut_loses_no_key_and_brings_none_back), T(older_flash_brings_no_destroyed_key_back))
