/* SPDX-License-Identifier: Apache-2.0 */
/* A share of all power cuts, so small that it takes a second, and spread so that each scenario and board has some.
 * tests/powercut does all of them. */
#include "tests/powercut/cut.h"
#include "tests/unit/test.h"

#define SHARES 1600
#define SHARES_OF_JOURNALS 120

static void share_of_all(uint32_t shares, uint32_t stride)
{
	for (int i = 0; i < SCENARIOS; i++) {
		ROW(scenarios[i].name);
		for (int k = 0; k < SIM_BOARDS; k++) {
			const struct cut_plan plan = { .seed = 7,
				.shares = shares,
				.share = (uint32_t)(i * SIM_BOARDS + k) % shares,
				.stride = stride,
				.thin = 16,
				.doubles = 8 };
			struct cut_counts n;

			CHECK(cut_all(&scenarios[i], &sim_boards[k], &plan, &n));
			CHECK_EQ(n.failed, 0);
		}
	}
	ROW(NULL);
}

TEST(a_cut_anywhere_is_survived)
{
	share_of_all(SHARES, 1);
}

/* Where most is at stake: what boot stage and agent remember, and erases. */
TEST(a_cut_in_a_journal_is_survived)
{
	share_of_all(SHARES_OF_JOURNALS, 100000);
}

/* All of one scenario where units are programmed once: what a cut left begun and reads erased takes nothing. */
TEST(what_was_begun_and_reads_erased_is_survived)
{
	const struct cut_plan plan = { .seed = 7, .shares = 1, .stride = 100000 };
	struct cut_counts n;

	CHECK(cut_all(scenario_find("restored"), sim_board_find("h7"), &plan, &n));
	CHECK_EQ(n.failed, 0);
}

/* Every step of a counter and every fuse: few, so all of them. */
TEST(a_counter_cut_at_each_step_is_finished)
{
	static const char *const counting[] = { "burn", "fuses", "retire", "reorder" };
	const struct cut_plan plan = {
		.seed = 7, .shares = 1, .stride = 1, .kinds = 1U << SIM_COUNT, .doubles = 2
	};
	struct cut_counts n;

	for (int i = 0; i < 4; i++) {
		ROW(counting[i]);
		CHECK(cut_all(scenario_find(counting[i]), sim_board_find("h7"), &plan, &n));
		CHECK(n.cuts > 0);
		CHECK_EQ(n.failed, 0);
	}
	ROW(NULL);
}

/* The journals while the updater has its turn: at most once, whatever is cut. */
TEST(a_watchdog_cut_in_its_journal_is_survived)
{
	const struct cut_plan plan = { .seed = 7, .shares = 16, .stride = 100000 };
	struct cut_counts n;

	CHECK(cut_all(scenario_find("watchdog"), sim_board_find("h7"), &plan, &n));
	CHECK_EQ(n.failed, 0);
}

TESTS(T(a_counter_cut_at_each_step_is_finished), T(a_watchdog_cut_in_its_journal_is_survived),
	T(what_was_begun_and_reads_erased_is_survived), T(a_cut_anywhere_is_survived),
	T(a_cut_in_a_journal_is_survived))
