/* SPDX-License-Identifier: Apache-2.0 */
/* tests/powercut/vaultcut.h -- the power cut at every operation of a vault's whole life.
 *
 * The vault is filled, wrapped around, rewritten under new keys, emptied and filled again. A case begins at the call that it
 * cuts, from an image of the chip and a copy of the scene (tests/unit/vault_scene.h). After power-up each record reads as the last call that
 * returned left it, or as the one under way asked, each time it is read; what was removed does not come back; and it
 * goes on until all sectors were used again, by all rules of flash.
 *
 * A cut is exactly (board, operation, tear); operations are counted over the life.
 */
#ifndef TESTS_POWERCUT_VAULTCUT_H
#define TESTS_POWERCUT_VAULTCUT_H

#include "tests/unit/vault_scene.h"

#define VAULTCUT_TEARS 5

struct vaultcut_plan {
	uint64_t seed; /* of torn bits */
	uint64_t stride; /* every stride-th operation is cut */
	uint64_t doubles; /* after one cut in so many it is cut again, and a second time; 0: none */
	uint64_t share, shares; /* this process does every shares-th cut */
};

struct vaultcut_counts {
	uint64_t ops, cuts, twice, failed;
	uint64_t seen; /* cuts of all shares */
};

/* All cuts of the plan on a board; failures are printed. False: one failed, or the life does not come to its end. */
bool vaultcut_board(
	const struct vaultcut_plan *p, const struct vault_board *b, struct vaultcut_counts *counts);

/* Each operation fails aloud, and silently, and the power stays. */
bool vaultcut_failures(const struct vault_board *b);

#endif
