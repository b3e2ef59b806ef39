/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/bootstate.h -- which slot runs, which is on trial, and below which counter nothing boots.
 *
 * A value with pure transitions, kept in the boot journal (SPEC 10). Boot stage and agent take turns: the
 * agent asks for a trial, boot starts it, the agent confirms it; what is not confirmed is over at the
 * next boot.
 *
 *     none --ask--> asked --start (boot)--> started --confirm--> none, confirmed := trial
 *       ^             |                        |
 *       `---revert----+-------- revert --------'   (the agent, or boot at its next start)
 */
#ifndef ROTA_STORE_BOOTSTATE_H
#define ROTA_STORE_BOOTSTATE_H

#include "rota/port/crypto.h"
#include "rota/store/journal.h"

/* Payload of format 1. */
#define ROTA_BOOTSTATE_LEN 76

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

struct rota_bootstate {
	uint8_t confirmed; /* slot 0 or 1 */
	uint8_t trial; /* the other slot, or ROTA_SLOT_NONE when the phase is none */
	enum rota_trial_phase phase;
	enum rota_trial_outcome outcome; /* of the last trial */
	uint32_t counter; /* least security counter that boots */
	uint8_t trial_digest[ROTA_SHA256_LEN]; /* of the last trial, kept after its end */
	uint8_t confirmed_digest[ROTA_SHA256_LEN];
};

/* What the factory writes: `digest` confirmed in slot 0. */
void rota_bootstate_init(struct rota_bootstate *state, uint32_t counter,
	const uint8_t digest[static ROTA_SHA256_LEN]);

/* The other of the two slots. */
static inline uint8_t rota_slot_other(uint8_t slot)
{
	return slot ^ 1;
}

/* The transitions. `ask` puts the slot that is not confirmed on trial; from started it is
 * ROTA_ERR_BUSY: first end the trial that runs. `start` is boot's: ROTA_ERR_STATE unless asked.
 * `confirm` is ROTA_ERR_STATE unless started. `revert` from none changes nothing. `drop` forgets a trial
 * that was asked for and never ran, since its image is about to be overwritten; from started it is
 * ROTA_ERR_BUSY. `adopt` makes `slot` the confirmed one without a trial: it runs because the confirmed
 * one does not verify, and that is about to be overwritten (SPEC 10.4); ROTA_ERR_STATE unless the phase
 * is none. */
ROTA_MUST_USE enum rota_err rota_bootstate_ask(
	struct rota_bootstate *state, const uint8_t digest[static ROTA_SHA256_LEN]);
ROTA_MUST_USE enum rota_err rota_bootstate_start(struct rota_bootstate *state);
ROTA_MUST_USE enum rota_err rota_bootstate_confirm(struct rota_bootstate *state);
void rota_bootstate_revert(struct rota_bootstate *state);
ROTA_MUST_USE enum rota_err rota_bootstate_drop(struct rota_bootstate *state);
ROTA_MUST_USE enum rota_err rota_bootstate_adopt(
	struct rota_bootstate *state, uint8_t slot, const uint8_t digest[static ROTA_SHA256_LEN]);

/* SPEC 10.1. Encoding cannot fail. Decoding: ROTA_ERR_UNSUPPORTED for another format, ROTA_ERR_FORMAT for
 * a value out of range or a phase and a trial slot that do not agree. */
void rota_bootstate_encode(
	const struct rota_bootstate *state, uint8_t out[static ROTA_BOOTSTATE_LEN]);
ROTA_MUST_USE enum rota_err rota_bootstate_decode(
	struct rota_span payload, struct rota_bootstate *out);

/* From and to a journal that was opened with ROTA_JOURNAL_BOOT. Errors are the journal's, and decode's
 * as ROTA_ERR_CORRUPT except for ROTA_ERR_UNSUPPORTED. */
ROTA_MUST_USE enum rota_err rota_bootstate_load(
	const struct rota_journal *j, struct rota_bootstate *out);
ROTA_MUST_USE enum rota_err rota_bootstate_commit(
	struct rota_journal *j, const struct rota_bootstate *state);

#endif
