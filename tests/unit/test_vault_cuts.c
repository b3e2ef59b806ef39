/* SPDX-License-Identifier: Apache-2.0 */
/* A vault's whole life, cut at each operation in each way (tests/powercut/vaultcut.h); and with operations that fail. */
#include "tests/powercut/vaultcut.h"
#include "tests/unit/test.h"

TEST(every_cut_leaves_the_old_record_or_the_new_one)
{
	const struct vaultcut_plan plan = { .seed = 1, .stride = 1, .shares = 1 };

	for (int b = 0; b < VAULT_BOARDS; b++) {
		struct vaultcut_counts n;

		ROW(vault_boards[b].like);
		CHECK(vaultcut_board(&plan, &vault_boards[b], &n));
		printf("%s: %d cuts, 0 failed\n", vault_boards[b].like, (int)n.cuts);
	}
}

TEST(a_second_cut_is_no_worse)
{
	const struct vaultcut_plan plan = { .seed = 2, .stride = 7, .doubles = 2, .shares = 1 };

	for (int b = 0; b < VAULT_BOARDS; b++) {
		struct vaultcut_counts n;

		ROW(vault_boards[b].like);
		CHECK(vaultcut_board(&plan, &vault_boards[b], &n));
		CHECK(n.twice > 100);
	}
}

TEST(an_operation_that_fails_costs_no_record)
{
	for (int b = 0; b < VAULT_BOARDS; b++) {
		ROW(vault_boards[b].like);
		CHECK(vaultcut_failures(&vault_boards[b]));
	}
}

TESTS(T(every_cut_leaves_the_old_record_or_the_new_one), T(a_second_cut_is_no_worse),
	T(an_operation_that_fails_costs_no_record))
