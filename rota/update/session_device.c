/* SPDX-License-Identifier: Apache-2.0 */
/* The device profile: what it holds a file against beside the specification, and the one file that only it reads. */
#include "rota/base/mem.h"
#include "rota/trust/horizon.h"
#include "rota/update/session_steps.h"

/* ---- the hint (SPEC 4.6) ---- */

/* {"changed":[versions],"newest":N,"version":1}, signed by nobody: it names the root to read next. `changed` comes
 * before `newest`, and rises. */
static enum rota_err on_token(struct rota_json *j)
{
	struct rota_session *s = ROTA_JSON_OWNER(j, struct rota_session, tuf.json);
	const struct rota_json_token *t = &j->token;
	struct rota_span name = rota_json_name(j, 0);

	if (t->kind != ROTA_JSON_INTEGER)
		return ROTA_OK;
	if (rota_span_eq(name, ROTA_STR("version")))
		return t->integer == 1 ? ROTA_OK : ROTA_ERR_UNSUPPORTED;
	if (s->skip_to == 0 && t->integer > s->trusted.root.version && t->integer <= ROTA_NUM_MAX)
		s->skip_to = (rota_num)t->integer;
	return ROTA_OK;
}

enum rota_err rota_hint_ask(struct rota_session *s)
{
	static const struct rota_json_sink sink = { on_token, rota_json_drop };
	struct rota_want *w = &s->want;

	ROTA_TRY(rota_session_enter(s, ROTA_ST_HINT));
	w->role = ROTA_STR("root-hint");
	w->hint = true;
	s->skip_to = 0;
	rota_json_init(&s->tuf.json, &sink, &s->room.text.json);
	return ROTA_OK;
}

/* ---- time ---- */

/* The role whose lifetime counts for the file at hand: for a bin the role that it is a bin of. */
static struct rota_span duty(const struct rota_session *s)
{
	return s->state == ROTA_ST_ROLE && rota_role_in_bin(s) ? s->want_role : s->want.role;
}

/* SPEC 4.5, and 4.6 for what the keys of a slot sign. */
static enum rota_err times(struct rota_session *s)
{
	const struct rota_tuf_head *head = &s->tuf.head;

	s->why.clause = ROTA_CLAUSE_SPEC_4_5;
	ROTA_TRY(rota_horizon_check(duty(s), head->issued_s, head->expires_s, s->config.start));
	s->why.clause = ROTA_CLAUSE_SPEC_4_6;
	if ((s->state == ROTA_ST_TIMESTAMP || s->state == ROTA_ST_SNAPSHOT) &&
		!s->config.start.trusted && !rota_root_slot_covers(&s->root.slot, head->issued_s))
		return ROTA_ERR_TIME;
	return ROTA_OK;
}

/* ---- floors (SPEC 4.3) ---- */

/* The role's distinct public keys in tags, for its floor. */
static enum rota_err floor_keys(const struct rota_session *s, struct rota_floor_keys *out)
{
	const struct rota_keyring *ring = &s->room.keys;

	memset(out, 0, sizeof(*out));
	out->threshold = s->threshold[ROTA_BY];
	for (size_t i = 0; i < s->config.limits->keys; i++) {
		if (!rota_keyring_first(ring, i, ROTA_MARK_BY))
			continue;
		if (out->count == ROTA_FLOOR_KEYS_MAX)
			return ROTA_ERR_LIMIT;
		rota_floor_tag(s->config.crypto, out->keys[out->count++],
			rota_span(ring->key[i].raw, ring->key[i].raw_len));
	}
	return ROTA_OK;
}

/* *change: how the trusted state did. A bin has no floor of its own, there may be thousands: it is never older than the
 * file of its role, which was visited last. */
static enum rota_err raise(struct rota_session *s, enum rota_floor_change *change)
{
	struct rota_floor_keys keys;

	if (rota_role_in_bin(s))
		return s->tuf.head.version < s->target.role_version ? ROTA_ERR_VERSION : ROTA_OK;
	ROTA_TRY(floor_keys(s, &keys));
	return rota_floor_raise(
		s->config.floors, rota_search_tag(s), &keys, s->tuf.head.version, change);
}

static enum rota_err raises(struct rota_session *s)
{
	enum rota_floor_change change = ROTA_FLOOR_RAISED;
	enum rota_err err = raise(s, &change);

	s->why.clause = err == ROTA_ERR_VERSION ? ROTA_CLAUSE_SPEC_4_3 : ROTA_CLAUSE_SPEC_4_8;
	s->found.kept = change == ROTA_FLOOR_SAME;
	s->want.floor_fell = change == ROTA_FLOOR_FELL;
	return err;
}

/* A role that was there before is listed still (TUF 5.5.5). */
static enum rota_err meta_done(struct rota_session *s)
{
	s->why.clause = ROTA_CLAUSE_TUF_5_5_5;
	if (!s->found.meta && rota_floor_stands(s->config.floors, rota_search_tag(s)))
		return ROTA_ERR_VERSION;
	return rota_search_meta_done(s);
}

/* ---- the profile ---- */

static const struct rota_step steps[] = {
	[ROTA_ST_ROOT_LOAD] = { ROTA_STEP_ROOT_LOAD, .then = rota_slots_load_done },
	[ROTA_ST_ROOT_NEXT] = { ROTA_STEP_ROOT_NEXT, .then = rota_root_next_done },
	[ROTA_ST_ROOT_SELF] = { ROTA_STEP_ROOT_SELF, .then = rota_slots_self_done },
	[ROTA_ST_TIMESTAMP] = { ROTA_STEP_TIMESTAMP, .then = rota_slots_timestamp_done },
	[ROTA_ST_SNAPSHOT] = { ROTA_STEP_SNAPSHOT, .event = rota_meta_event,
		.then = rota_snapshot_done },
	[ROTA_ST_META] = { ROTA_STEP_META, .then = meta_done },
	[ROTA_ST_ROLE] = { ROTA_STEP_ROLE, .event = rota_bind_event },
	[ROTA_ST_HINT] = { .role = ROTA_HINT,
		.fetch = ROTA_CLAUSE_SPEC_4_6,
		.hash = ROTA_CLAUSE_SPEC_4_6,
		.then = rota_hint_done },
};

const struct rota_session_profile rota_session_device = {
	.steps = steps,
	.goes = rota_slots_go,
	.relents = rota_slots_relent,
	.times = times,
	.raises = raises,
};
