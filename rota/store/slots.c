/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/slots.h"
#include "rota/base/mem.h"

/* The boot state, held, and what runs on it. */
struct view {
	struct rota_bootstate state;
	struct rota_running now;
	bool off; /* nothing runs: the confirmed images stand for what would */
};

/* ---- what the state and what runs come to ---- */

static void confirmed_runs(const struct rota_bootstate *state, struct rota_running *now)
{
	memset(now, 0, sizeof(*now));
	now->count = state->count;
	now->places = state->confirmed;
	for (uint8_t i = 0; i < state->count; i++)
		memcpy(now->digest[i], state->digest[i][rota_bootstate_confirmed(state, i)],
			ROTA_SHA256_LEN);
}

static enum rota_err look(const struct rota_set *set, struct view *v)
{
	enum rota_err err = set->running->get(set->running->ctx, &v->now);

	v->off = err == ROTA_ERR_NOT_FOUND;
	if (v->off)
		confirmed_runs(&v->state, &v->now);
	else if (err != ROTA_OK)
		return err;
	return v->now.count == v->state.count ? ROTA_OK : ROTA_ERR_STATE;
}

/* While a trial runs, or was given up and still runs, the places that do not run are what the next boot needs. */
static bool needed(const struct view *v)
{
	return v->state.phase == ROTA_TRIAL_STARTED ||
		(v->now.places != v->state.confirmed && v->now.kind != ROTA_BOOT_FALLBACK);
}

/* Whether the images on trial are just those that run. */
static bool trial_runs(const struct view *v)
{
	if (v->off || v->state.phase != ROTA_TRIAL_STARTED ||
		v->now.places != (v->state.confirmed ^ v->state.trial))
		return false;
	for (uint8_t i = 0; i < v->state.count; i++) {
		if (memcmp(v->now.digest[i], v->state.digest[i][v->now.places >> i & 1],
			    ROTA_SHA256_LEN) != 0)
			return false;
	}
	return true;
}

/* ---- one change of the boot state, held while it is made ---- */

/* Changes v->state, or leaves *commit false. */
typedef enum rota_err change_fn(struct rota_set *set, struct view *v, bool *commit);

static enum rota_err held(struct rota_set *set, change_fn *change, struct view *v)
{
	bool commit = false;
	enum rota_err err;

	ROTA_TRY(set->boot->begin(set->boot->ctx, &v->state));
	err = look(set, v);
	if (err == ROTA_OK && change != NULL)
		err = change(set, v, &commit);
	if (err == ROTA_OK && commit)
		err = set->boot->commit(set->boot->ctx, &v->state);
	set->boot->end(set->boot->ctx);
	return err;
}

/* SPEC 10.4, before the first byte. */
static enum rota_err claim(struct rota_set *set, struct view *v, bool *commit)
{
	(void)set;
	if (needed(v))
		return ROTA_ERR_BUSY;
	*commit = v->now.places != v->state.confirmed || rota_bootstate_others(&v->state) != 0;
	if (!*commit)
		return ROTA_OK; /* as it should be */
	for (uint8_t i = 0; i < v->state.count; i++) {
		uint8_t place = v->now.places >> i & 1;

		if (place != rota_bootstate_confirmed(&v->state, i))
			ROTA_TRY(rota_bootstate_adopt(&v->state, i, place, v->now.digest[i]));
	}
	return rota_bootstate_forget(&v->state);
}

static enum rota_err ask(struct rota_set *set, struct view *v, bool *commit)
{
	if (needed(v))
		return ROTA_ERR_BUSY;
	if (v->now.places != v->state.confirmed)
		return ROTA_ERR_STATE; /* a fallback runs, and nothing was written over the other */
	for (uint8_t i = 0; i < ROTA_SET_MAX; i++) {
		if (set->asked >> i & 1)
			ROTA_TRY(rota_bootstate_ask(&v->state, i, set->digest[i]));
	}
	*commit = true;
	return ROTA_OK;
}

/* Only what runs can be confirmed. */
static enum rota_err confirm(struct rota_set *set, struct view *v, bool *commit)
{
	(void)set;
	if (v->off)
		return ROTA_ERR_NOT_FOUND;
	if (v->state.phase == ROTA_TRIAL_NONE && v->now.places == v->state.confirmed)
		return ROTA_OK;
	if (!trial_runs(v))
		return ROTA_ERR_STATE;
	*commit = true;
	return rota_bootstate_confirm(&v->state);
}

static enum rota_err revert(struct rota_set *set, struct view *v, bool *commit)
{
	(void)set;
	*commit = v->state.phase != ROTA_TRIAL_NONE;
	rota_bootstate_revert(&v->state);
	return ROTA_OK;
}

/* ---- the set ---- */

static enum rota_err switch_all(void *ctx)
{
	struct rota_set *set = ctx;
	struct view v;

	if (set->asked == 0)
		return ROTA_OK;
	ROTA_TRY(held(set, ask, &v));
	set->asked = 0;
	return ROTA_OK;
}

void rota_set_init(struct rota_set *set, const struct rota_boot_access *boot,
	const struct rota_running_source *running)
{
	memset(set, 0, sizeof(*set));
	set->port = (struct rota_slots_set){ .ctx = set, .switch_all = switch_all };
	set->boot = boot;
	set->running = running;
}

/* ---- a member ---- */

static enum rota_err member_inactive(void *ctx, struct rota_slot *out)
{
	struct rota_set_member *m = ctx;
	struct view v;

	ROTA_TRY(held(m->set, NULL, &v));
	if (m->component >= v.state.count)
		return ROTA_ERR_ARGUMENT;
	if (needed(&v))
		return ROTA_ERR_BUSY;
	out->id = rota_slot_other(v.now.places >> m->component & 1);
	return m->area->capacity(m->area->ctx, out->id, &out->capacity);
}

static enum rota_err member_begin(
	void *ctx, const uint8_t digest[static ROTA_SHA256_LEN], uint64_t length, uint64_t *durable)
{
	struct rota_set_member *m = ctx;
	uint64_t capacity;
	struct view v;

	m->ready = false;
	m->set->asked = 0;
	ROTA_TRY(held(m->set, claim, &v));
	if (m->component >= v.state.count)
		return ROTA_ERR_ARGUMENT;
	m->place = rota_bootstate_other(&v.state, m->component);
	ROTA_TRY(m->area->capacity(m->area->ctx, m->place, &capacity));
	if (length > capacity)
		return ROTA_ERR_FULL;
	ROTA_TRY(m->area->begin(m->area->ctx, m->place, digest, length, durable));
	m->end = *durable;
	m->length = length;
	m->ready = true;
	return ROTA_OK;
}

static enum rota_err member_write(void *ctx, uint64_t off, struct rota_span data)
{
	struct rota_set_member *m = ctx;

	if (!m->ready)
		return ROTA_ERR_ARGUMENT;
	if (off == 0 && m->end != 0) {
		ROTA_TRY(m->area->discard(m->area->ctx, m->place));
		m->end = 0;
	}
	if (off != m->end)
		return ROTA_ERR_ARGUMENT;
	if (data.len > m->length - off)
		return ROTA_ERR_FULL;
	ROTA_TRY(m->area->write(m->area->ctx, m->place, off, data));
	m->end += data.len;
	return ROTA_OK;
}

static enum rota_err member_finish(void *ctx, uint64_t len)
{
	struct rota_set_member *m = ctx;

	if (!m->ready || len != m->end || len == 0)
		return ROTA_ERR_ARGUMENT;
	return m->area->finish(m->area->ctx, m->place, len);
}

static enum rota_err member_read(void *ctx, uint64_t off, struct rota_buf to)
{
	struct rota_set_member *m = ctx;

	if (!m->ready || off > m->end || to.len > m->end - off)
		return ROTA_ERR_ARGUMENT;
	return m->area->read(m->area->ctx, m->place, off, to);
}

static enum rota_err member_trial(void *ctx, const uint8_t digest[static ROTA_SHA256_LEN])
{
	struct rota_set_member *m = ctx;

	if (m->component >= ROTA_SET_MAX)
		return ROTA_ERR_ARGUMENT;
	m->ready = false;
	m->set->asked |= (uint8_t)(1u << m->component);
	memcpy(m->set->digest[m->component], digest, ROTA_SHA256_LEN);
	return ROTA_OK;
}

static enum rota_err member_booted(void *ctx, struct rota_booted *out)
{
	struct rota_set_member *m = ctx;
	struct view v;
	bool kept;

	ROTA_TRY(held(m->set, NULL, &v));
	if (v.off)
		return ROTA_ERR_NOT_FOUND;
	if (m->component >= v.state.count)
		return ROTA_ERR_ARGUMENT;
	kept = v.state.phase == ROTA_TRIAL_NONE && v.now.places == v.state.confirmed;
	out->id = v.now.places >> m->component & 1;
	out->kind = v.now.kind;
	if (out->kind == ROTA_BOOT_TRIAL && (kept || (v.now.trial >> m->component & 1) == 0))
		out->kind = ROTA_BOOT_CONFIRMED; /* since it was booted; or it is not on trial */
	out->unknown = v.now.unknown && v.now.places != v.state.confirmed; /* not adopted */
	memcpy(out->digest, v.now.digest[m->component], ROTA_SHA256_LEN);
	return ROTA_OK;
}

/* What may be written is to be judged again after either. */
static enum rota_err end_trial(struct rota_set_member *m, change_fn *how)
{
	struct view v;

	m->ready = false;
	m->set->asked = 0;
	return held(m->set, how, &v);
}

static enum rota_err member_confirm(void *ctx)
{
	return end_trial(ctx, confirm);
}

static enum rota_err member_revert(void *ctx)
{
	return end_trial(ctx, revert);
}

void rota_set_member_init(struct rota_set_member *member, struct rota_set *set, uint8_t component,
	const struct rota_slotarea *area)
{
	memset(member, 0, sizeof(*member));
	member->set = set;
	member->component = component;
	member->area = area;
	member->port = (struct rota_slots){
		.ctx = member,
		.set = &set->port,
		.inactive = member_inactive,
		.begin = member_begin,
		.write = member_write,
		.finish = member_finish,
		.read = member_read,
		.trial = member_trial,
		.booted = member_booted,
		.confirm = member_confirm,
		.revert = member_revert,
	};
}
