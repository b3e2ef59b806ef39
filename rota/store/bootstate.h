/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/bootstate.h -- which images run, which are on trial, and below what nothing boots.
 *
 * A value with pure transitions, kept in the boot journal (SPEC 10). It speaks of one *set*: the 1 to 8
 * components that switch together. Each component has two places for an image. Boot stage and agent take
 * turns: the agent asks for a trial of some components, boot starts it, the agent confirms it; what is not
 * confirmed is over at the next boot.
 *
 *     none --ask--> asked --start (boot)--> started --confirm--> none, the places on trial are confirmed
 *       ^             |                        |
 *       `---revert----+-------- revert --------'   (the agent, or boot at its next start)
 *
 * The places that are not confirmed and whose digest is known are the *other set*, together with the
 * confirmed places of all other components: the set that was confirmed before, or the one on trial. It is
 * always a set that was meant to run as one, never a mixture, since all these digests are forgotten before
 * the first byte of any such place changes, and by each `ask` that begins a trial.
 */
#ifndef ROTA_STORE_BOOTSTATE_H
#define ROTA_STORE_BOOTSTATE_H

#include "rota/port/crypto.h"
#include "rota/store/journal.h"

#define ROTA_SET_MAX 8 /* components of a release (SPEC 7.1); a bit of a u8 each */

/* Payload of format 2, for a set of so many components. */
#define ROTA_BOOTSTATE_LEN(count) (144u + (count)*2u * ROTA_SHA256_LEN)
#define ROTA_BOOTSTATE_LEN_MAX ROTA_BOOTSTATE_LEN(ROTA_SET_MAX)

enum rota_trial_phase {
	ROTA_TRIAL_NONE = 0,
	ROTA_TRIAL_ASKED = 1,
	ROTA_TRIAL_STARTED = 2,
};

enum rota_trial_outcome {
	ROTA_OUTCOME_NONE = 0,
	ROTA_OUTCOME_CONFIRMED = 1,
	ROTA_OUTCOME_REVERTED = 2,
};

enum rota_trial_kind {
	ROTA_TRIAL_RELEASE = 0,
	ROTA_TRIAL_ORDER = 1, /* the image of a recovery order (SPEC 15) */
};

/* How far the recovery order at `order_place` is (SPEC 15). */
enum rota_order_phase {
	ROTA_ORDER_NONE_YET = 0,
	ROTA_ORDER_STORED = 1,
	ROTA_ORDER_TRIAL = 2, /* its image is being written, or tried */
	ROTA_ORDER_CONFIRMED = 3, /* the image runs, or there is none: it is being burnt */
	ROTA_ORDER_DONE = 4,
	ROTA_ORDER_FAILED =
		5, /* its image never ran well: the one before runs, nothing was burnt */
};

#define ROTA_ORDER_TRIES_MAX 3 /* boots that an order's image has to be confirmed in */

#define ROTA_ORDER_NONE 0xFF /* no order is stored */

enum rota_watchdog_phase {
	ROTA_WATCHDOG_RUN = 0,
	ROTA_WATCHDOG_UPDATER = 1, /* the updater runs alone */
};

struct rota_watchdog {
	uint32_t left_s; /* running seconds until the updater runs alone */
	uint32_t ticket; /* number of the last one */
	uint8_t phase; /* enum rota_watchdog_phase */
	uint8_t keys
		[2]
		[ROTA_SHA256_LEN]; /* SHA-256 of the keys of role `time` whose tickets count; zeros: none */
};

struct rota_bootstate {
	uint8_t count; /* components that switch together, 1 to ROTA_SET_MAX */
	uint8_t confirmed; /* bit i: place (0 or 1) of component i that every boot runs */
	uint8_t trial; /* bit i: component i is on trial, in its other place; 0 when phase is none */
	uint8_t phase; /* enum rota_trial_phase */
	uint8_t outcome; /* enum rota_trial_outcome, of the last trial */
	uint8_t kind; /* enum rota_trial_kind, of the last trial */
	uint8_t tries; /* boots of an order's image that were not confirmed */
	uint32_t binding; /* SPEC 9.6 */
	uint32_t counter; /* journal's copy of the security counter: least that boots */
	uint32_t burn_to; /* security counter that is being burnt; == counter when done */
	uint32_t floor_wanted; /* counter floor of the newest verified retirements file */
	uint8_t key_floor, key_floor_to; /* first ROM image key that counts: 0 or 1 */
	uint8_t order_place; /* 0, 1 or ROTA_ORDER_NONE */
	uint8_t order_phase; /* enum rota_order_phase */
	uint32_t epoch, epoch_to; /* of recovery orders */
	uint8_t order[ROTA_SHA256_LEN]; /* of the order file at order_place */
	struct rota_watchdog watchdog;
	/* Image in each place; zeros: not known, or being written. */
	uint8_t digest[ROTA_SET_MAX][2][ROTA_SHA256_LEN];
};

/* What the factory writes: a set of one component, `digest` confirmed in place 0. */
void rota_bootstate_init(struct rota_bootstate *state, uint32_t counter,
	const uint8_t digest[static ROTA_SHA256_LEN]);

/* A further component of the set, confirmed in place 0. ROTA_ERR_LIMIT: there are ROTA_SET_MAX. */
ROTA_MUST_USE enum rota_err rota_bootstate_add(
	struct rota_bootstate *state, const uint8_t digest[static ROTA_SHA256_LEN]);

/* The other of the two places. */
static inline uint8_t rota_slot_other(uint8_t slot)
{
	return slot ^ 1;
}

/* The place of a component, below state->count, that every boot runs, and the other one's number. */
static inline uint8_t rota_bootstate_confirmed(
	const struct rota_bootstate *state, uint8_t component)
{
	return (uint8_t)(state->confirmed >> component & 1);
}
static inline uint8_t rota_bootstate_other(const struct rota_bootstate *state, uint8_t component)
{
	return rota_slot_other(rota_bootstate_confirmed(state, component));
}

/* Bits of the components whose other place holds an image of the other set: 0 when none is known. */
uint8_t rota_bootstate_others(const struct rota_bootstate *state);

/* The transitions. `component` is below state->count, else ROTA_ERR_ARGUMENT.
 *
 * `ask` begins a trial of a release and forgets the other set, or adds a component to the trial that is asked for:
 * its other place, with an image of `digest`. From started it is ROTA_ERR_BUSY: first end the
 * trial that runs. While the phase of an order is TRIAL, what is asked for is the order's trial. `start` is boot's:
 * ROTA_ERR_STATE unless a trial is due: asked for, or an order's that was not confirmed in fewer than
 * ROTA_ORDER_TRIES_MAX boots. `confirm` is ROTA_ERR_STATE unless
 * started. Both ends of an order's trial are ends of that phase: CONFIRMED, FAILED. `revert` from none changes nothing. `forget` is for what is about to be overwritten (SPEC 10.4):
 * it drops a trial that was asked for and never ran, and all digests of the other set; from started it is
 * ROTA_ERR_BUSY. `adopt` makes `place` of a component the confirmed one without a trial: it runs because
 * the confirmed one does not verify, and that is about to be overwritten; ROTA_ERR_STATE unless the
 * phase is none. */
ROTA_MUST_USE enum rota_err rota_bootstate_ask(struct rota_bootstate *state, uint8_t component,
	const uint8_t digest[static ROTA_SHA256_LEN]);
bool rota_bootstate_due(const struct rota_bootstate *state);
ROTA_MUST_USE enum rota_err rota_bootstate_start(struct rota_bootstate *state);
ROTA_MUST_USE enum rota_err rota_bootstate_confirm(struct rota_bootstate *state);
void rota_bootstate_revert(struct rota_bootstate *state);
ROTA_MUST_USE enum rota_err rota_bootstate_forget(struct rota_bootstate *state);
ROTA_MUST_USE enum rota_err rota_bootstate_adopt(struct rota_bootstate *state, uint8_t component,
	uint8_t place, const uint8_t digest[static ROTA_SHA256_LEN]);

/* SPEC 10.1. Encoding writes format 2: ROTA_BOOTSTATE_LEN(state->count) bytes, which it returns. Decoding
 * reads format 1 too, as a set of one. ROTA_ERR_UNSUPPORTED for another format, ROTA_ERR_FORMAT for values
 * out of range or that do not agree; *out is then of no use. */
size_t rota_bootstate_encode(
	const struct rota_bootstate *state, uint8_t out[static ROTA_BOOTSTATE_LEN_MAX]);
ROTA_MUST_USE enum rota_err rota_bootstate_decode(
	struct rota_span payload, struct rota_bootstate *out);

/* From and to a journal that was opened with ROTA_JOURNAL_BOOT. Errors are the journal's, and decode's
 * as ROTA_ERR_CORRUPT except for ROTA_ERR_UNSUPPORTED. A state that decode would refuse is not committed:
 * ROTA_ERR_ARGUMENT. */
ROTA_MUST_USE enum rota_err rota_bootstate_load(
	const struct rota_journal *j, struct rota_bootstate *out);
ROTA_MUST_USE enum rota_err rota_bootstate_commit(
	struct rota_journal *j, const struct rota_bootstate *state);

#endif
