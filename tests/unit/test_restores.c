/* SPDX-License-Identifier: Apache-2.0 */
/* A share of the thefts of tests/powercut/restores. */
#include "tests/powercut/restores.h"
#include "tests/unit/test.h"

#define LATER 6

TEST(old_flash_is_not_accepted_where_hardware_counts)
{
	CHECK_EQ(restores_run(sim_board_find("h7"), LATER), 0);
	CHECK_EQ(restores_run(sim_board_find("n"), LATER), 0);
}

/* What a counter is for: these are the limits that THREATS.md states. */
TEST(old_flash_is_taken_for_the_truth_where_nothing_counts)
{
	CHECK(restores_run(sim_board_find("f4"), LATER) > 0);
}

TESTS(T(old_flash_is_not_accepted_where_hardware_counts),
	T(old_flash_is_taken_for_the_truth_where_nothing_counts))
