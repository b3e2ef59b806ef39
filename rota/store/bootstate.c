/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/bootstate.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#define FORMAT 2
#define FORMAT_1 1
#define NO_TRIAL 0xFF /* format 1: no slot is on trial */

static bool is_zero(const uint8_t digest[static ROTA_SHA256_LEN])
{
	uint8_t any = 0;

	for (size_t i = 0; i < ROTA_SHA256_LEN; i++)
		any |= digest[i];
	return any == 0;
}

static uint8_t *other_digest(struct rota_bootstate *state, uint8_t component)
{
	return state->digest[component][rota_bootstate_other(state, component)];
}

void rota_bootstate_init(struct rota_bootstate *state, uint32_t counter,
	const uint8_t digest[static ROTA_SHA256_LEN])
{
	memset(state, 0, sizeof(*state));
	state->count = 1;
	state->counter = counter;
	state->burn_to = counter;
	state->order_place = ROTA_ORDER_NONE;
	memcpy(state->digest[0][0], digest, ROTA_SHA256_LEN);
}

enum rota_err rota_bootstate_add(
	struct rota_bootstate *state, const uint8_t digest[static ROTA_SHA256_LEN])
{
	if (state->count >= ROTA_SET_MAX)
		return ROTA_ERR_LIMIT;
	memcpy(state->digest[state->count++][0], digest, ROTA_SHA256_LEN);
	return ROTA_OK;
}

uint8_t rota_bootstate_others(const struct rota_bootstate *state)
{
	uint8_t bits = 0;

	for (uint8_t i = 0; i < state->count; i++) {
		if (!is_zero(state->digest[i][rota_bootstate_other(state, i)]))
			bits |= (uint8_t)(1u << i);
	}
	return bits;
}

/* ---- transitions ---- */

static void forget_others(struct rota_bootstate *state)
{
	for (uint8_t i = 0; i < state->count; i++)
		memset(other_digest(state, i), 0, ROTA_SHA256_LEN);
}

enum rota_err rota_bootstate_ask(struct rota_bootstate *state, uint8_t component,
	const uint8_t digest[static ROTA_SHA256_LEN])
{
	if (component >= state->count)
		return ROTA_ERR_ARGUMENT;
	if (state->phase == ROTA_TRIAL_STARTED)
		return ROTA_ERR_BUSY;
	if (state->phase == ROTA_TRIAL_NONE)
		forget_others(state);
	state->trial |= (uint8_t)(1u << component);
	state->phase = ROTA_TRIAL_ASKED;
	state->outcome = ROTA_OUTCOME_NONE;
	state->kind =
		state->order_phase == ROTA_ORDER_TRIAL ? ROTA_TRIAL_ORDER : ROTA_TRIAL_RELEASE;
	state->tries = 0;
	memcpy(other_digest(state, component), digest, ROTA_SHA256_LEN);
	return ROTA_OK;
}

bool rota_bootstate_due(const struct rota_bootstate *state)
{
	return state->phase == ROTA_TRIAL_ASKED ||
		(state->phase == ROTA_TRIAL_STARTED && state->kind == ROTA_TRIAL_ORDER &&
			state->tries < ROTA_ORDER_TRIES_MAX);
}

enum rota_err rota_bootstate_start(struct rota_bootstate *state)
{
	if (!rota_bootstate_due(state))
		return ROTA_ERR_STATE;
	state->phase = ROTA_TRIAL_STARTED;
	if (state->kind == ROTA_TRIAL_ORDER)
		state->tries++;
	return ROTA_OK;
}

static void end_trial(struct rota_bootstate *state, enum rota_trial_outcome outcome)
{
	state->trial = 0;
	state->phase = ROTA_TRIAL_NONE;
	state->outcome = (uint8_t)outcome;
}

enum rota_err rota_bootstate_confirm(struct rota_bootstate *state)
{
	if (state->phase != ROTA_TRIAL_STARTED)
		return ROTA_ERR_STATE;
	state->confirmed ^= state->trial;
	if (state->kind == ROTA_TRIAL_ORDER && state->order_phase == ROTA_ORDER_TRIAL)
		state->order_phase = ROTA_ORDER_CONFIRMED; /* else another order came meanwhile */
	end_trial(state, ROTA_OUTCOME_CONFIRMED);
	return ROTA_OK;
}

void rota_bootstate_revert(struct rota_bootstate *state)
{
	if (state->phase == ROTA_TRIAL_NONE)
		return;
	if (state->kind == ROTA_TRIAL_ORDER && state->order_phase == ROTA_ORDER_TRIAL)
		state->order_phase = ROTA_ORDER_FAILED;
	end_trial(state, ROTA_OUTCOME_REVERTED);
}

enum rota_err rota_bootstate_forget(struct rota_bootstate *state)
{
	if (state->phase == ROTA_TRIAL_STARTED)
		return ROTA_ERR_BUSY;
	if (state->phase == ROTA_TRIAL_ASKED)
		end_trial(state, ROTA_OUTCOME_NONE);
	forget_others(state);
	return ROTA_OK;
}

enum rota_err rota_bootstate_adopt(struct rota_bootstate *state, uint8_t component, uint8_t place,
	const uint8_t digest[static ROTA_SHA256_LEN])
{
	if (component >= state->count || place > 1)
		return ROTA_ERR_ARGUMENT;
	if (state->phase != ROTA_TRIAL_NONE)
		return ROTA_ERR_STATE;
	state->confirmed &= (uint8_t) ~(1u << component);
	state->confirmed |= (uint8_t)(place << component);
	memcpy(state->digest[component][place], digest, ROTA_SHA256_LEN);
	return ROTA_OK;
}

/* ---- the payload ---- */

static bool order_agrees(const struct rota_bootstate *s)
{
	bool stored = s->order_phase != ROTA_ORDER_NONE_YET;

	return s->order_phase <= ROTA_ORDER_FAILED && s->epoch_to >= s->epoch &&
		(stored ? s->order_place <= 1 : s->order_place == ROTA_ORDER_NONE);
}

/* Whether a state can be: what decoding refuses and no commit writes. */
static bool agrees(const struct rota_bootstate *s)
{
	unsigned outside;

	if (s->count == 0 || s->count > ROTA_SET_MAX)
		return false;
	outside = ~0u << s->count;
	return (s->confirmed & outside) == 0 && (s->trial & outside) == 0 &&
		s->phase <= ROTA_TRIAL_STARTED &&
		(s->phase == ROTA_TRIAL_NONE) == (s->trial == 0) &&
		s->outcome <= ROTA_OUTCOME_REVERTED && s->kind <= ROTA_TRIAL_ORDER &&
		s->burn_to >= s->counter && s->key_floor <= s->key_floor_to &&
		s->key_floor_to <= 1 && s->watchdog.phase <= ROTA_WATCHDOG_UPDATER &&
		order_agrees(s);
}

static void encode_watchdog(struct rota_writer *w, const struct rota_watchdog *dog)
{
	rota_write_le32(w, dog->left_s);
	rota_write_le32(w, dog->ticket);
	rota_write_u8(w, dog->phase);
	rota_write_fill(w, 0, 3); /* reserved */
	rota_write_span(w, ROTA_SPAN(dog->keys[0]));
	rota_write_span(w, ROTA_SPAN(dog->keys[1]));
}

size_t rota_bootstate_encode(
	const struct rota_bootstate *state, uint8_t out[static ROTA_BOOTSTATE_LEN_MAX])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_BOOTSTATE_LEN_MAX));

	rota_write_u8(&w, FORMAT);
	rota_write_u8(&w, state->count);
	rota_write_u8(&w, state->confirmed);
	rota_write_u8(&w, state->trial);
	rota_write_u8(&w, state->phase);
	rota_write_u8(&w, state->outcome);
	rota_write_u8(&w, state->kind);
	rota_write_u8(&w, state->tries);
	rota_write_le32(&w, state->binding);
	rota_write_le32(&w, state->counter);
	rota_write_le32(&w, state->burn_to);
	rota_write_le32(&w, state->floor_wanted);
	rota_write_u8(&w, state->key_floor);
	rota_write_u8(&w, state->key_floor_to);
	rota_write_u8(&w, state->order_place);
	rota_write_u8(&w, state->order_phase);
	rota_write_le32(&w, state->epoch);
	rota_write_le32(&w, state->epoch_to);
	rota_write_span(&w, ROTA_SPAN(state->order));
	encode_watchdog(&w, &state->watchdog);
	for (uint8_t i = 0; i < state->count && i < ROTA_SET_MAX; i++) {
		rota_write_span(&w, ROTA_SPAN(state->digest[i][0]));
		rota_write_span(&w, ROTA_SPAN(state->digest[i][1]));
	}
	return rota_writer_span(&w).len;
}

static void decode_watchdog(struct rota_reader *r, struct rota_watchdog *dog)
{
	dog->left_s = rota_read_le32(r);
	dog->ticket = rota_read_le32(r);
	dog->phase = rota_read_u8(r);
	if (rota_read_u8(r) != 0 || rota_read_le16(r) != 0) /* reserved */
		rota_reader_fail(r);
	rota_read_bytes(r, ROTA_BUF(dog->keys[0]));
	rota_read_bytes(r, ROTA_BUF(dog->keys[1]));
}

static void decode_2(struct rota_reader *r, struct rota_bootstate *s)
{
	s->count = rota_read_u8(r);
	s->confirmed = rota_read_u8(r);
	s->trial = rota_read_u8(r);
	s->phase = rota_read_u8(r);
	s->outcome = rota_read_u8(r);
	s->kind = rota_read_u8(r);
	s->tries = rota_read_u8(r);
	s->binding = rota_read_le32(r);
	s->counter = rota_read_le32(r);
	s->burn_to = rota_read_le32(r);
	s->floor_wanted = rota_read_le32(r);
	s->key_floor = rota_read_u8(r);
	s->key_floor_to = rota_read_u8(r);
	s->order_place = rota_read_u8(r);
	s->order_phase = rota_read_u8(r);
	s->epoch = rota_read_le32(r);
	s->epoch_to = rota_read_le32(r);
	rota_read_bytes(r, ROTA_BUF(s->order));
	decode_watchdog(r, &s->watchdog);
	for (uint8_t i = 0; i < s->count && i < ROTA_SET_MAX; i++) {
		rota_read_bytes(r, ROTA_BUF(s->digest[i][0]));
		rota_read_bytes(r, ROTA_BUF(s->digest[i][1]));
	}
}

/* Format 1: one component; confirmed slot, slot on trial, and the digests of both. What lies in the other slot is
 * known during a trial only: later it may have been written to without a word here. */
static void decode_1(struct rota_reader *r, struct rota_bootstate *s)
{
	uint8_t trial[ROTA_SHA256_LEN], confirmed[ROTA_SHA256_LEN], slot;

	s->count = 1;
	s->order_place = ROTA_ORDER_NONE;
	s->confirmed = rota_read_u8(r);
	slot = rota_read_u8(r);
	s->phase = rota_read_u8(r);
	s->outcome = rota_read_u8(r);
	if (rota_read_u8(r) != 0 || rota_read_le16(r) != 0) /* reserved */
		rota_reader_fail(r);
	s->counter = rota_read_le32(r);
	s->burn_to = s->counter;
	rota_read_bytes(r, ROTA_BUF(trial));
	rota_read_bytes(r, ROTA_BUF(confirmed));
	if (s->confirmed > 1 ||
		slot != (s->phase == ROTA_TRIAL_NONE ? NO_TRIAL : rota_slot_other(s->confirmed))) {
		rota_reader_fail(r);
		return;
	}
	memcpy(s->digest[0][s->confirmed], confirmed, ROTA_SHA256_LEN);
	if (s->phase == ROTA_TRIAL_NONE)
		return;
	s->trial = 1;
	memcpy(s->digest[0][slot], trial, ROTA_SHA256_LEN);
}

enum rota_err rota_bootstate_decode(struct rota_span payload, struct rota_bootstate *out)
{
	struct rota_reader r = rota_reader(payload);
	uint8_t format = rota_read_u8(&r);

	memset(out, 0, sizeof(*out));
	if (payload.len == 0)
		return ROTA_ERR_FORMAT;
	if (format == FORMAT)
		decode_2(&r, out);
	else if (format == FORMAT_1)
		decode_1(&r, out);
	else
		return ROTA_ERR_UNSUPPORTED;
	ROTA_TRY(rota_reader_end(&r));
	return agrees(out) ? ROTA_OK : ROTA_ERR_FORMAT;
}

enum rota_err rota_bootstate_load(const struct rota_journal *j, struct rota_bootstate *out)
{
	uint8_t room[ROTA_BOOTSTATE_LEN_MAX];
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
	uint8_t payload[ROTA_BOOTSTATE_LEN_MAX];

	if (!agrees(state))
		return ROTA_ERR_ARGUMENT;
	return rota_journal_commit(j, rota_span(payload, rota_bootstate_encode(state, payload)));
}
