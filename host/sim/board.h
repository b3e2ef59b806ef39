/* SPDX-License-Identifier: Apache-2.0 */
/* host/sim/board.h -- the flash maps that simulated devices have.
 *
 * Four, scaled down from real parts so that every operation of an update can be cut in turn; the shapes are
 * true: how sectors differ in length, how large a program unit is, what an erased byte reads, whether a unit
 * is programmed once, and whether journals and images lie on one chip or on two.
 */
#ifndef HOST_SIM_BOARD_H
#define HOST_SIM_BOARD_H

#include "ports/flash_sim/flash_sim.h"
#include "rota/port/counter.h"

#define SIM_CHIPS 2
#define SIM_VAULT_SECTORS 4
#define SIM_COMPONENTS 2 /* that switch together */

/* What lies where. Component c has its images in SIM_SLOTS + 2c and SIM_SLOTS + 2c + 1. */
enum sim_place_name {
	SIM_BOOT, /* boot journal */
	SIM_DEVICE, /* device journal */
	SIM_ORDERS, /* places of recovery orders */
	SIM_LOG, /* device log */
	SIM_MAPS, /* of the two places of component 0: chunk maps */
	SIM_SLOTS = SIM_MAPS + 2,
	SIM_PLACES = SIM_SLOTS + 2 * SIM_COMPONENTS,
	/* of a device that has data keys, on a chip of their own: two sectors each, and SIM_VAULT_SECTORS */
	SIM_KEYS = SIM_PLACES, /* key journal */
	SIM_ARCHIVE, /* of keys */
	SIM_ROT, /* soft root of trust */
	SIM_VAULT, /* sealed records */
	SIM_ALL_PLACES,
};

/* A part of a chip. Its sectors are the chip's own, or `join` bytes of them taken as one. */
struct sim_area {
	uint8_t chip;
	uint32_t at, len, join; /* bytes */
};

struct sim_board {
	const char *name;
	const char *like; /* the part that it is scaled down from */
	uint8_t chips;
	struct rota_flash_sim_chip chip[SIM_CHIPS];
	struct sim_area area[SIM_PLACES];
	struct rota_flash_sim_chip keys; /* the chip of SIM_KEYS and what follows */
	uint32_t key_sector; /* bytes of it taken as one sector */
	uint8_t counters; /* that hardware keeps: rota/port/counter.h's `have` */
};

#define SIM_BOARDS 4
extern const struct sim_board sim_boards[SIM_BOARDS];

/* Every counter of rota/port/counter.h. */
#define SIM_ALL_COUNTERS ((1U << ROTA_COUNTER_COUNT) - 1)

/* By its name, or NULL. */
const struct sim_board *sim_board_find(const char *name);

#endif
