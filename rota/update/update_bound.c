/* SPDX-License-Identifier: Apache-2.0 */
/* Are the journals the newest that this device wrote (rota/store/binding.h), and what follows.
 *
 * At the start of a cycle the state counter and both journals are read and judged. A rise that was cut off is
 * finished. A rise begins where something is changed that must not be undone by old flash: the next commit carries
 * counter + 1, then the boot journal does, then the counter is raised; several such changes are one step. While
 * slots are being confirmed it waits for them: the boot journal must not look new before it says that they are.
 *
 * Restored: what runs and what is trusted stay, as lower bounds. The cycle refreshes without a clock, takes the keys
 * of `time` from verified targets, asks for the time with a nonce, and refreshes again at that time: what passes then
 * is of today. Only then are the journals bound anew, and releases installed. */
#include "rota/update/update_keys.h"
#include "rota/base/mem.h"
#include "rota/store/binding.h"
#include "rota/store/burnt.h"

/* ---- what stands where ---- */

static bool counts(const struct rota_update *u)
{
	return rota_counter_has(u->config.counter, ROTA_COUNTER_STATE);
}

bool rota_update_restored(const struct rota_update *u)
{
	return rota_binding_restored((enum rota_binding)u->bound.verdict);
}

/* SPEC 10.2: a fallback to whatever image would boot; in a set of one only. */
static bool stranger_runs(const struct rota_update *u, struct rota_booted *booted)
{
	for (uint8_t i = 0; i < u->config.slots_count; i++) {
		const struct rota_slots *slots = u->config.slots[i].slots;

		if (slots->booted(slots->ctx, booted) == ROTA_OK && booted->unknown)
			return true;
	}
	return false;
}

void rota_bound_look(struct rota_update *u)
{
	struct rota_booted booted;
	struct rota_binding_facts f = {
		.device = u->state.bound.binding,
		.device_lost = u->state.next_seq == 1,
		.marked = u->state.bound.restored,
	};

	rota_binding_read(u->config.counter, u->config.boot, &f);
	if (u->config.keys != NULL)
		u->config.keys->work->look(u, &f);
	f.stranger = stranger_runs(u, &booted);
	u->bound.stranger = f.stranger;
	u->bound.ahead = f.ahead;
	u->bound.counter = f.counter;
	u->bound.err = (uint8_t)f.read;
	u->bound.verdict = (uint8_t)rota_binding_judge(&f);
}

/* ---- a rise ---- */

void rota_update_bind(struct rota_update *u)
{
	if (counts(u) && u->bound.err == ROTA_OK && !rota_update_restored(u))
		u->state.bound.binding = u->bound.counter + 1;
}

static enum rota_err bind_boot(struct rota_update *u, uint32_t to)
{
	const struct rota_boot_access *boot = u->config.boot;
	struct rota_bootstate state;
	enum rota_err err = ROTA_OK;

	if (boot == NULL || !counts(u))
		return ROTA_OK;
	ROTA_TRY(boot->begin(boot->ctx, &state));
	if (state.binding != to) {
		state.binding = to;
		err = boot->commit(boot->ctx, &state);
	}
	boot->end(boot->ctx);
	return err;
}

enum rota_err rota_bound_finish(struct rota_update *u)
{
	const struct rota_counter *c = u->config.counter;
	uint32_t to = u->state.bound.binding;

	if (!counts(u) || u->bound.err != ROTA_OK || rota_update_restored(u) || u->bound.rising ||
		to != u->bound.counter + 1)
		return ROTA_OK;
	if (u->config.keys != NULL)
		ROTA_TRY(u->config.keys->work->bind(u, to));
	ROTA_TRY(bind_boot(u, to));
	ROTA_TRY(c->advance(c->ctx, ROTA_COUNTER_STATE, to));
	u->bound.counter = to;
	u->bound.verdict = ROTA_BINDING_CURRENT;
	return ROTA_OK;
}

void rota_bound_watch(struct rota_update *u)
{
	uint8_t keys[ROTA_SHA256_LEN];

	if (!rota_session_root_keys(&u->session, keys))
		return;
	if (u->bound.root_seen && memcmp(keys, u->bound.root_keys, sizeof(keys)) != 0)
		rota_update_bind(u);
	memcpy(u->bound.root_keys, keys, sizeof(keys));
	u->bound.root_seen = true;
}

/* ---- the start of a cycle ---- */

/* A number for events above those that the device has said since the flash was read out: by the steps of the counter,
 * and by the clock, right or wrong (SPEC 13.2). */
static uint64_t next_number(const struct rota_update *u)
{
	uint32_t c = u->bound.counter, d = u->state.bound.binding;
	uint64_t by_steps = u->state.next_seq + ((uint64_t)(c > d ? c - d : 1) << 32);
	uint64_t by_clock = 1 + 1000 * (uint64_t)u->config.session.start.unix_s;

	return by_steps > by_clock ? by_steps : by_clock;
}

static enum rota_err adopt_stranger(struct rota_update *u, struct rota_bootstate *state)
{
	struct rota_booted booted;

	if (!u->bound.stranger || !stranger_runs(u, &booted))
		return ROTA_OK;
	ROTA_TRY(rota_bootstate_adopt(state, 0, booted.id, booted.digest));
	return rota_bootstate_forget(state);
}

/* After the mark is durable the boot state knows what runs and what is burnt, so that the mark, and it alone, says from
 * when on the device is to be relied on again. */
static enum rota_err know(struct rota_update *u)
{
	const struct rota_boot_access *boot = u->config.boot;
	struct rota_burnt_shown shown;
	struct rota_bootstate state;
	enum rota_err err;

	if (boot == NULL || !(u->bound.stranger || u->bound.ahead))
		return ROTA_OK;
	(void)rota_burnt_read(u->config.counter, &shown);
	ROTA_TRY(boot->begin(boot->ctx, &state));
	(void)rota_burnt_follow(&state, &shown);
	err = adopt_stranger(u, &state);
	if (err == ROTA_OK)
		err = boot->commit(boot->ctx, &state);
	boot->end(boot->ctx);
	return err;
}

/* Told once; the mark stays until a refresh at signed time ends it. */
static enum rota_update_state mark(struct rota_update *u)
{
	struct rota_bound *b = &u->state.bound;
	enum rota_err err = ROTA_ERR_VERSION;

	if (u->bound.err != ROTA_OK || u->bound.verdict == ROTA_BINDING_FOREIGN)
		err = ROTA_ERR_CORRUPT;
	if (!b->restored) {
		b->restored = true;
		b->since_s = rota_update_clock(u);
		u->state.next_seq = next_number(u);
		rota_update_note(
			u, ROTA_EVENT_RESTORED, (struct rota_why){ err, ROTA_CLAUSE_SPEC_9_6 });
	}
	err = rota_update_commit(u);
	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9);
	err = know(u);
	return err == ROTA_OK ? ROTA_UP_ORDER : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
}

enum rota_update_state rota_up_bound(struct rota_update *u)
{
	enum rota_err err;

	switch ((enum rota_binding)u->bound.verdict) {
	case ROTA_BINDING_CUT:
		rota_update_bind(u);
		err = rota_update_commit(u);
		return err == ROTA_OK ? ROTA_UP_ORDER
				      : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9_6);
	case ROTA_BINDING_RESTORED:
	case ROTA_BINDING_FOREIGN:
		return mark(u);
	case ROTA_BINDING_UNREADABLE: /* judged where it matters: below, and in update_boot.c */
	case ROTA_BINDING_CURRENT:
	default:
		return ROTA_UP_ORDER;
	}
}

enum rota_update_state rota_bound_session(struct rota_update *u)
{
	if (u->bound.verdict == ROTA_BINDING_UNREADABLE)
		return rota_update_stop(u, (enum rota_err)u->bound.err, ROTA_CLAUSE_SPEC_9_6);
	return ROTA_UP_SESSION;
}

/* ---- the way back: keys of time ---- */

enum rota_update_state rota_bound_recover(struct rota_update *u)
{
	enum rota_err err;

	if (u->bound.err != ROTA_OK) /* there is nothing to be bound to */
		return rota_update_stop(u, (enum rota_err)u->bound.err, ROTA_CLAUSE_SPEC_9_6);
	memset(&u->bound.keys, 0, sizeof(u->bound.keys));
	err = rota_session_find_in(&u->session, ROTA_STR("time"), ROTA_STR("time/now"));
	return err == ROTA_OK ? ROTA_UP_FIND_TIME : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_5_5);
}

static void note_key(void *ctx, enum rota_alg alg, struct rota_span raw)
{
	struct rota_update *u = ctx;
	struct rota_time_keys *keys = &u->bound.keys;

	if (keys->count < ROTA_TIME_KEYS_MAX)
		rota_time_key_digest(
			u->config.session.crypto, alg, raw, keys->sha256[keys->count++]);
}

bool rota_up_time_keys(struct rota_update *u)
{
	return rota_session_role_keys(&u->session, u, note_key) == ROTA_OK;
}

/* ---- the question ---- */

enum rota_update_state rota_up_time_ask(struct rota_update *u)
{
	const struct rota_random *random = u->config.random;
	enum rota_err err = ROTA_ERR_UNSUPPORTED;

	if (random != NULL && u->config.uptime != NULL)
		err = random->fill(random->ctx, ROTA_BUF(u->bound.nonce));
	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_5_5);
	u->bound.asked_s = u->config.uptime->seconds(u->config.uptime->ctx);
	u->bound.answer_len = 0;
	return ROTA_UP_TIME;
}

/* The journal is not written meanwhile: its room takes the answer. */
_Static_assert(ROTA_TIME_ANSWER_MAX <= ROTA_STATE_LEN_MAX, "an answer fits the scratch room");

enum rota_err rota_up_time_feed(struct rota_update *u, struct rota_span piece)
{
	if (piece.len > ROTA_TIME_ANSWER_MAX - (size_t)u->bound.answer_len)
		return ROTA_ERR_LENGTH;
	memcpy(&u->scratch.p[u->bound.answer_len], piece.p, piece.len);
	u->bound.answer_len = (uint16_t)(u->bound.answer_len + piece.len);
	return ROTA_OK;
}

/* *now_s: what the answer says. SPEC 5.1: a time below the floor is none. */
static enum rota_err read_answer(const struct rota_update *u, uint64_t *now_s)
{
	const struct rota_uptime *up = u->config.uptime;
	struct rota_time_question question = { .device_id = u->config.device->id };

	memcpy(question.nonce, u->bound.nonce, sizeof(question.nonce));
	ROTA_TRY(rota_signed_time_read(u->config.session.crypto, &u->bound.keys, &question,
		rota_span(u->scratch.p, u->bound.answer_len),
		up->seconds(up->ctx) - u->bound.asked_s, now_s));
	return *now_s < u->state.trusted.time_floor_s ? ROTA_ERR_TIME : ROTA_OK;
}

enum rota_update_state rota_up_time_done(struct rota_update *u, enum rota_err how)
{
	uint64_t now_s = 0;
	enum rota_err err = how == ROTA_OK ? read_answer(u, &now_s) : how;

	if (err == ROTA_OK)
		err = rota_update_session(u, (struct rota_time){ rota_num_nearest(now_s), true });
	return err == ROTA_OK ? ROTA_UP_REFRESH_TIMED
			      : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_5_5);
}

/* ---- bound anew ---- */

/* The boot journal first: while the device journal is the older one, it is restored still. */
static enum rota_err rebind(struct rota_update *u)
{
	ROTA_TRY(bind_boot(u, u->bound.counter + 1));
	u->bound.verdict = ROTA_BINDING_CURRENT;
	u->bound.back = true;
	u->state.bound.restored = false;
	u->state.bound.since_s = 0;
	rota_update_bind(u);
	rota_update_note(u, ROTA_EVENT_BOUND, (struct rota_why){ ROTA_OK, ROTA_CLAUSE_SPEC_9_6 });
	return rota_update_commit(u);
}

enum rota_update_state rota_up_rebound(struct rota_update *u)
{
	enum rota_err err = rebind(u);

	return err == ROTA_OK ? rota_update_steps[ROTA_UP_SESSION].found(u)
			      : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9_6);
}
