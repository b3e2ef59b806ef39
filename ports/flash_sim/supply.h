/* SPDX-License-Identifier: Apache-2.0 */
/* ports/flash_sim/supply.h -- the power of a simulated device, and what goes wrong at which operation.
 *
 * Everything that a device remembers in hangs on one supply. Each smallest thing that such a part does to
 * itself (one program unit, one sub-step of an erase) is an operation and is counted here, over all parts
 * together; so "cut at k" for k = 1, 2, 3 ... until nothing is cut any more goes through all places where
 * a device can lose its power. One fault is planned at a time; a second one is planned after the first.
 *
 * All chance is drawn from one stream that begins with the seed: the same seed, plan and calls give the
 * same bytes. rota_sim_supply_tell() says all three for the line that a failed test prints.
 */
#ifndef PORTS_FLASH_SIM_SUPPLY_H
#define PORTS_FLASH_SIM_SUPPLY_H

#include "rota/base/span.h"

enum rota_sim_fault {
	ROTA_SIM_NONE,

	/* The power goes, and the caller hears ROTA_ERR_IO from then on. */
	ROTA_SIM_CUT_BEFORE, /* the operation did nothing */
	ROTA_SIM_CUT_WEAK, /* begun too short to be read: a unit reads erased and takes no program */
	ROTA_SIM_CUT_TORN, /* some of its bits changed */
	ROTA_SIM_CUT_DONE, /* it was done, and its caller never heard */
	ROTA_SIM_CUT_UNSYNCED, /* as done; of all units since the last sync each is old, new or torn */

	/* The power stays. */
	ROTA_SIM_FAIL, /* torn, and reported */
	ROTA_SIM_SILENT, /* not done, and reported as done */

	ROTA_SIM_FAULT_COUNT
};

struct rota_sim_supply {
	uint64_t seed;
	uint64_t random; /* the stream's state */
	uint64_t ops; /* since the plan was made */
	uint64_t at; /* the operation that meets `fault`, from 1; 0 none */
	enum rota_sim_fault fault;
	bool off; /* no power */
	uint32_t cuts; /* since the start */
	enum rota_sim_fault last_cut;
};

/* Power is on, nothing is planned. */
void rota_sim_supply_init(struct rota_sim_supply *s, uint64_t seed);

/* Count from here; the at-th operation meets `fault` (0: none will). The stream begins again with `seed`. */
void rota_sim_supply_plan(
	struct rota_sim_supply *s, uint64_t at, enum rota_sim_fault fault, uint64_t seed);

/* Power is back. The plan has happened or happens yet, once. */
void rota_sim_supply_on(struct rota_sim_supply *s);

/* Whether what was planned has happened. */
bool rota_sim_supply_met(const struct rota_sim_supply *s);

/* One operation begins: what becomes of it. A cut turns the supply off at once. For parts. */
enum rota_sim_fault rota_sim_supply_step(struct rota_sim_supply *s);

/* The next 64 bits of the stream. */
uint64_t rota_sim_supply_random(struct rota_sim_supply *s);

/* "cut torn at operation 17, seed 5" into `room`, NUL-terminated, cut at its end. */
void rota_sim_supply_tell(const struct rota_sim_supply *s, struct rota_buf room);

#endif
