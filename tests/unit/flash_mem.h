/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/flash_mem.h -- flash in memory that holds its user to the rules and loses power on demand.
 *
 * NOR rules are enforced: writes cover whole units, each erased before. The power goes at the n-th
 * operation, where an operation is one program unit or one sector erase, not one call; what that leaves
 * is chosen by the tear. After the cut everything fails until flash_mem_power() is called.
 */
#ifndef TESTS_UNIT_FLASH_MEM_H
#define TESTS_UNIT_FLASH_MEM_H

#include "rota/port/flash.h"

#define FLASH_MEM_MAX 16384

enum flash_tear {
	FLASH_TEAR_NOT_DONE, /* the operation did nothing */
	FLASH_TEAR_HALF, /* some of its bits changed */
	FLASH_TEAR_DONE, /* it was done, and its caller never heard */
	FLASH_TEAR_UNSYNCED, /* as done, and of all units since the last sync each is old, new or torn */
	FLASH_TEAR_COUNT
};

struct flash_mem {
	struct rota_flash port; /* give this to the code under test */
	uint32_t ops; /* done since flash_mem_cut_at() */
	uint32_t cut_at; /* the power goes at this operation, from 1; 0 never */
	enum flash_tear tear;
	bool off; /* no power */
	uint64_t random;
	uint8_t bytes[FLASH_MEM_MAX];
	uint8_t synced[FLASH_MEM_MAX];
};

/* Blank flash. sector_len * sectors is at most FLASH_MEM_MAX. */
void flash_mem_init(
	struct flash_mem *m, uint32_t sector_len, uint32_t sectors, uint32_t unit, uint8_t erased);
/* The same of sectors that are not all alike. */
void flash_mem_init_runs(struct flash_mem *m,
	const struct rota_flash_run run[static ROTA_FLASH_RUNS_MAX], uint32_t unit, uint8_t erased);

/* Count operations from here and cut at the n-th (0: never). `seed` chooses the torn bits. */
void flash_mem_cut_at(struct flash_mem *m, uint32_t n, enum flash_tear tear, uint64_t seed);

/* Power is back. */
void flash_mem_power(struct flash_mem *m);

#endif
