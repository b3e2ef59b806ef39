/* SPDX-License-Identifier: Apache-2.0 */
/* boot/burn.h -- the numbers that boot makes final: security counter, key floor, epoch (SPEC 10.5).
 *
 * Each stands in the boot journal, and in hardware too where the device has some for it (rota/port/counter.h).
 * The journal says beside it how far the number is to rise. It rises in three steps, each durable before
 * the next:
 *
 *     journal: to := T   ->   hardware: T   ->   journal: copy := T
 *
 * and what is found after a cut anywhere says which step comes next, so there is no other path of recovery.
 * Without hardware the middle step is left out. A rise that was cut off is done again even where the hardware shows
 * it: a fuse that was half burnt may read as burnt today, and not tomorrow.
 *
 * What may be burnt is decided in a boot in which the confirmed set runs, from what was verified in that very
 * boot: never above what it runs, so it boots again; never above what the signers of `retirements` asked for, so
 * a revert works until they did; at most ROTA_BURN_STEPS at once, so that one bad signature does not use
 * fuses up; and the last ROTA_BURN_RESERVE values are kept for images of recovery orders.
 */
#ifndef BOOT_BURN_H
#define BOOT_BURN_H

#include "rota/codec/rom.h"
#include "rota/port/counter.h"
#include "rota/store/bootstate.h"

#define ROTA_BURN_STEPS 4 /* the most that the security counter rises in one boot */
#define ROTA_BURN_RESERVE 4 /* its last values, for recovery orders alone */

/* Where a number comes from in this boot. */
enum rota_burn_source {
	ROTA_BURN_JOURNAL, /* the device has no hardware for it */
	ROTA_BURN_HARDWARE, /* `now` is what the hardware says */
	ROTA_BURN_UNREADABLE, /* it has, and it cannot be read: the journal's copy holds, nothing is burnt */
};

struct rota_burn_number {
	enum rota_burn_source source;
	uint32_t now;
	uint32_t last; /* highest value that it can take */
	bool firm; /* raised in this boot: what it shows stays */
};

struct rota_burn_facts {
	struct rota_burn_number number[ROTA_COUNTER_COUNT]; /* by enum rota_counter_id */
	bool confirmed; /* the confirmed set runs, and all its members were verified in this boot */
	bool order; /* the recovery order in force vouches for a member */
	bool burnt; /* this boot has had its steps of the security counter */
	uint32_t counter; /* least security counter of the members */
	uint8_t reach; /* least rota_boot_key_reach() of the members */
	uint8_t key_floor_max; /* rota_boot_key_floor_max() of the ROM */
};

/* Before images are verified: read what hardware there is. `port` NULL: none. Nothing is confirmed yet. */
void rota_burn_begin(
	struct rota_burn_facts *facts, const struct rota_counter *port, const struct rota_rom *rom);

/* The number in force: the greater of the journal's copy and what the hardware says. */
uint32_t rota_burn_floor(const struct rota_bootstate *state, const struct rota_burn_facts *facts,
	enum rota_counter_id id);

/* The hardware is ahead of what this journal ever asked for: old flash (rota/store/burnt.h). Such a number stays as it
 * is, at every boot, until the update cycle has marked that. */
bool rota_burn_restored(const struct rota_bootstate *state, const struct rota_burn_facts *facts);

/* A member of the confirmed set was verified: its counter, and the `keys` that vouch for it. */
void rota_burn_member(struct rota_burn_facts *facts, uint32_t counter, uint8_t keys);

enum rota_burn_act {
	ROTA_BURN_DONE,
	ROTA_BURN_COMMIT, /* make `next` durable */
	ROTA_BURN_ADVANCE, /* raise the hardware's `id` to `to`, and read it again into the facts */
};

struct rota_burn_step {
	enum rota_burn_act act;
	enum rota_counter_id id; /* ADVANCE */
	uint32_t to; /* ADVANCE */
	struct rota_bootstate next; /* COMMIT */
};

/* The next step from what was found, a pure function of a table. */
void rota_burn_next(const struct rota_bootstate *state, const struct rota_burn_facts *facts,
	struct rota_burn_step *step);

/* The steps, done one after the other. */
struct rota_burn_io {
	const struct rota_counter *port; /* NULL: no hardware */
	void *ctx;
	enum rota_err (*commit)(void *ctx, const struct rota_bootstate *next);
};

/* Do all that is to be done; *state follows what was made durable. An error
 * is the commit's or the counter's: nothing is lost, the next boot goes on; what was chosen runs. */
ROTA_MUST_USE enum rota_err rota_burn_run(
	struct rota_bootstate *state, struct rota_burn_facts *facts, const struct rota_burn_io *io);

#endif
