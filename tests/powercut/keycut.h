/* SPDX-License-Identifier: Apache-2.0 */
/* tests/powercut/keycut.h -- the power cut at every operation of the life of a device's data keys, and older flash put back.
 *
 * The clean device lives once (keyslife.h); what it holds before each step is kept. A cut takes a device from there, does
 * the step until the power goes, switches it on, looks at it, takes the step again and two more, and looks again:
 *
 *   - it opens its journals and settles, whatever was torn
 *   - each generation opens that did before the step and does after it; after the step those of the clean device, no other
 *   - the wrap key and the agree key in force are there, and no other that no journal names
 *   - no highest generation, opening or statement number falls or comes twice, and one counter names one agree key
 *   - no rule of flash was broken
 *
 * A cut is exactly (board, step, operation, tear). A failed one is printed with a name for `keyslife --replay`.
 */
#ifndef TESTS_POWERCUT_KEYCUT_H
#define TESTS_POWERCUT_KEYCUT_H

#include "tests/powercut/keyslife.h"

#define KEYCUT_TEARS 5

struct keycut_plan {
	uint64_t seed; /* of torn bits */
	uint64_t
		stride; /* of programmed units every stride-th is cut; erases, keys and counters all */
	uint64_t doubles; /* one in so many cuts is followed by a second one; 0: none */
	uint64_t share, shares; /* this process does every shares-th cut */
	int only_step; /* this cut alone; -1: all */
	uint64_t only_at;
	int only_tear;
};

struct keycut_counts {
	uint64_t ops, cuts, twice, failed;
};

/* All cuts of the plan on a board. False: one failed, or the life does not come to its end. */
bool keycut_board(const struct keycut_plan *plan, const struct key_board *board,
	struct keycut_counts *counts);

/* What came of older flash. */
struct keycut_old {
	uint32_t put_back;
	uint32_t restored; /* told by the counter */
	uint32_t told; /* by the root of trust */
	uint32_t taken; /* for the truth */
};

/* The flash of each earlier step put onto the device of each later one: key journal, archive, both, all. False, and
 * printed: a generation that was destroyed opens, or flash that was told to be old changed the root of trust. */
bool keycut_put_back(const struct key_board *board, bool counts, struct keycut_old *n);

#endif
