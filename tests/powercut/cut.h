/* SPDX-License-Identifier: Apache-2.0 */
/* tests/powercut/cut.h -- the power gone at every operation of a scenario, in every way that it can go.
 *
 * The clean device lives the scenario once more. Before each call that changes its flash it stands still; from what
 * its chips hold a second device is made for each operation of the call and each tear. There the call is done until
 * the power goes, the power comes back, and that device lives on to the end of the scenario. So no cut
 * costs the way to it, and a cut is exactly (scenario, board, operation, tear): operations are program units and
 * steps of an erase, counted over all chips from the start of the scenario.
 *
 * A failed cut is told by a name that `powercut --replay` runs again: "update/f4/1432/torn/7", which is
 * scenario, board, operation, tear and seed, and for a second cut behind it "+88/done".
 */
#ifndef TESTS_POWERCUT_CUT_H
#define TESTS_POWERCUT_CUT_H

#include "tests/powercut/stand.h"

#define CUT_NAME_MAX 96

struct cut {
	uint64_t at; /* operation, from 1 */
	enum rota_sim_fault tear;
	uint64_t second; /* operation of the life after it; 0: no second cut */
	enum rota_sim_fault second_tear;
};

struct cut_plan {
	uint64_t seed;
	uint32_t share, shares; /* this process does every shares-th cut */
	uint32_t
		stride; /* of slots' bytes every stride-th operation is cut; journals' and erases all */
	uint32_t thin; /* of scenarios that are thinned out one cut in so many is done; 0: all */
	uint8_t kinds; /* bits of enum sim_call_kind: calls that are cut; 0: all */
	uint32_t doubles; /* one in so many cuts is followed by a second one; 0: none */
	struct cut only; /* at > 0: this one alone, traced */
};

struct cut_counts {
	uint64_t cuts, doubles, failed, ops;
};

/* All cuts of the plan; failures are printed. False: the scenario does not come to its end without a cut. */
bool cut_all(const struct scenario *scenario, const struct sim_board *board,
	const struct cut_plan *plan, struct cut_counts *counts);

/* The plan, scenario and board of a name. False: it is none. */
bool cut_parse(const char *name, struct cut_plan *plan, const struct scenario **scenario,
	const struct sim_board **board);

#endif
