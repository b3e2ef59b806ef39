/* SPDX-License-Identifier: Apache-2.0 */
/* ports/flash_sim/supply.h -- the power of a simulated device, and what goes wrong at which operation.
 *
 * Everything that a device remembers in hangs on one supply: chips (flash_sim.h), fuses and key slots (fuses.h,
 * keys.h), counters (ports/counter_sim). Each smallest thing that such a part does to itself (one program unit,
 * one sub-step of an erase, one step of a counter) is an operation and is counted here, over all parts
 * together; so "cut at k" for k = 1, 2, 3 ... until nothing is cut any more goes through all places where
 * a device can lose its power. One fault is planned at a time; a second one is planned after the first.
 *
 * Or without running the device anew for each k: the supply of one clean run has a *watch*, which is told of
 * each operation before it begins. Inside that call a harness saves the parts, restores them onto a second
 * set of the same parts on a supply of its own, plans the fault there for operation 1, does the one operation
 * again (rota_flash_sim_redo, or the same step of the counter, fuse or key slot) and lives the rest of that
 * device.
 *
 * All chance is drawn from one stream that begins with the seed: the same seed, plan and calls give the
 * same bytes. rota_sim_supply_tell() says all three for the line that a failed test prints.
 */
#ifndef PORTS_FLASH_SIM_SUPPLY_H
#define PORTS_FLASH_SIM_SUPPLY_H

#include "rota/base/err.h"
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

enum rota_sim_kind {
	ROTA_SIM_PROGRAM, /* of one unit of flash */
	ROTA_SIM_ERASE, /* one sub-step, of one sector of flash */
	ROTA_SIM_COUNT, /* one step of a counter */
	ROTA_SIM_FUSE, /* one fuse burnt */
	ROTA_SIM_KEY, /* one change of a key slot */
};

/* One operation, as its part tells of it. */
struct rota_sim_op {
	enum rota_sim_kind kind;
	const void *part; /* which: the address of the chip, of the counters ... */
	uint32_t at; /* where in it: an offset, or the number of the counter, fuse or key slot */
	uint32_t step; /* of an erase, from 1; of a key slot what becomes of it (keys.h); else 0 */
	struct rota_span bytes; /* of a program: those of its unit; of a key: its own; else empty */
};

/* Told before operation `number`, counted from the plan. It must leave the parts of this supply as they are. */
typedef void rota_sim_watch(void *ctx, uint64_t number, const struct rota_sim_op *op);

struct rota_sim_supply {
	rota_sim_watch *watch; /* NULL: nobody is told */
	void *watch_ctx;
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

/* For parts. `op` begins: what becomes of it. A cut turns the supply off at once. The part has changed nothing
 * of itself for this operation yet, and looks at itself anew where it is to. */
enum rota_sim_fault rota_sim_supply_step(struct rota_sim_supply *s, const struct rota_sim_op *op);

/* For parts. What the caller of an operation hears that met `fault`: ROTA_OK or ROTA_ERR_IO. */
enum rota_err rota_sim_supply_told(enum rota_sim_fault fault);

/* For parts: whether an operation that met `fault` was done, or left something between. */
bool rota_sim_supply_done(enum rota_sim_fault fault);
bool rota_sim_supply_torn(enum rota_sim_fault fault);

/* The next 64 bits of the stream. */
uint64_t rota_sim_supply_random(struct rota_sim_supply *s);

/* "cut torn at operation 17, seed 5" into `room`, NUL-terminated, cut at its end. */
void rota_sim_supply_tell(const struct rota_sim_supply *s, struct rota_buf room);

#endif
