/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/bootstate.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/port/slots.h"

#define FORMAT 1

void rota_bootstate_init(struct rota_bootstate *state, uint32_t counter,
	const uint8_t digest[static ROTA_SHA256_LEN])
{
	*state = (struct rota_bootstate){ .trial = ROTA_SLOT_NONE, .counter = counter };
	memcpy(state->confirmed_digest, digest, ROTA_SHA256_LEN);
}

enum rota_err rota_bootstate_ask(
	struct rota_bootstate *state, const uint8_t digest[static ROTA_SHA256_LEN])
{
	if (state->phase == ROTA_TRIAL_STARTED)
		return ROTA_ERR_BUSY;
	state->trial = rota_slot_other(state->confirmed);
	state->phase = ROTA_TRIAL_ASKED;
	state->outcome = ROTA_OUTCOME_NONE;
	memcpy(state->trial_digest, digest, ROTA_SHA256_LEN);
	return ROTA_OK;
}

enum rota_err rota_bootstate_start(struct rota_bootstate *state)
{
	if (state->phase != ROTA_TRIAL_ASKED)
		return ROTA_ERR_STATE;
	state->phase = ROTA_TRIAL_STARTED;
	return ROTA_OK;
}

static void end_trial(struct rota_bootstate *state, enum rota_trial_outcome outcome)
{
	state->trial = ROTA_SLOT_NONE;
	state->phase = ROTA_TRIAL_NONE;
	state->outcome = outcome;
}

enum rota_err rota_bootstate_confirm(struct rota_bootstate *state)
{
	if (state->phase != ROTA_TRIAL_STARTED)
		return ROTA_ERR_STATE;
	state->confirmed = state->trial;
	memcpy(state->confirmed_digest, state->trial_digest, ROTA_SHA256_LEN);
	end_trial(state, ROTA_OUTCOME_CONFIRMED);
	return ROTA_OK;
}

void rota_bootstate_revert(struct rota_bootstate *state)
{
	if (state->phase != ROTA_TRIAL_NONE)
		end_trial(state, ROTA_OUTCOME_REVERTED);
}

enum rota_err rota_bootstate_drop(struct rota_bootstate *state)
{
	if (state->phase == ROTA_TRIAL_STARTED)
		return ROTA_ERR_BUSY;
	if (state->phase == ROTA_TRIAL_ASKED)
		end_trial(state, ROTA_OUTCOME_NONE);
	return ROTA_OK;
}

enum rota_err rota_bootstate_adopt(
	struct rota_bootstate *state, uint8_t slot, const uint8_t digest[static ROTA_SHA256_LEN])
{
	if (state->phase != ROTA_TRIAL_NONE || slot > 1)
		return ROTA_ERR_STATE;
	state->confirmed = slot;
	memcpy(state->confirmed_digest, digest, ROTA_SHA256_LEN);
	return ROTA_OK;
}

void rota_bootstate_encode(
	const struct rota_bootstate *state, uint8_t out[static ROTA_BOOTSTATE_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_BOOTSTATE_LEN));

	rota_write_u8(&w, FORMAT);
	rota_write_u8(&w, state->confirmed);
	rota_write_u8(&w, state->trial);
	rota_write_u8(&w, (uint8_t)state->phase);
	rota_write_u8(&w, (uint8_t)state->outcome);
	rota_write_fill(&w, 0, 3); /* reserved */
	rota_write_le32(&w, state->counter);
	rota_write_span(&w, ROTA_SPAN(state->trial_digest));
	rota_write_span(&w, ROTA_SPAN(state->confirmed_digest));
}

static bool agrees(const struct rota_bootstate *state, uint8_t phase, uint8_t outcome)
{
	uint8_t trial =
		phase == ROTA_TRIAL_NONE ? ROTA_SLOT_NONE : rota_slot_other(state->confirmed);

	return state->confirmed <= 1 && phase <= ROTA_TRIAL_STARTED &&
		outcome <= ROTA_OUTCOME_REVERTED && state->trial == trial;
}

enum rota_err rota_bootstate_decode(struct rota_span payload, struct rota_bootstate *out)
{
	struct rota_reader r = rota_reader(payload);
	struct rota_bootstate state;
	uint8_t phase, outcome;

	if (rota_read_u8(&r) != FORMAT)
		return payload.len > 0 ? ROTA_ERR_UNSUPPORTED : ROTA_ERR_FORMAT;
	state.confirmed = rota_read_u8(&r);
	state.trial = rota_read_u8(&r);
	phase = rota_read_u8(&r);
	outcome = rota_read_u8(&r);
	if (rota_read_u8(&r) != 0 || rota_read_le16(&r) != 0) /* reserved */
		return ROTA_ERR_FORMAT;
	state.counter = rota_read_le32(&r);
	rota_read_bytes(&r, ROTA_BUF(state.trial_digest));
	rota_read_bytes(&r, ROTA_BUF(state.confirmed_digest));
	ROTA_TRY(rota_reader_end(&r));
	if (!agrees(&state, phase, outcome))
		return ROTA_ERR_FORMAT;
	state.phase = (enum rota_trial_phase)phase;
	state.outcome = (enum rota_trial_outcome)outcome;
	*out = state;
	return ROTA_OK;
}

enum rota_err rota_bootstate_load(const struct rota_journal *j, struct rota_bootstate *out)
{
	uint8_t room[ROTA_BOOTSTATE_LEN];
	struct rota_span payload;
	enum rota_err err = rota_journal_load(j, ROTA_BUF(room), &payload);

	if (err == ROTA_ERR_LIMIT)
		return ROTA_ERR_UNSUPPORTED; /* a longer payload is of a later format */
	ROTA_TRY(err);
	err = rota_bootstate_decode(payload, out);
	return err == ROTA_ERR_FORMAT ? ROTA_ERR_CORRUPT : err;
}

enum rota_err rota_bootstate_commit(struct rota_journal *j, const struct rota_bootstate *state)
{
	uint8_t payload[ROTA_BOOTSTATE_LEN];

	rota_bootstate_encode(state, payload);
	return rota_journal_commit(j, ROTA_SPAN(payload));
}
