/* SPDX-License-Identifier: Apache-2.0 */
/* SPEC 4.6: roots that are skipped, and roots of a pre-signed series.
 *
 * Of a later root that has passed the keys of the one at hand, a hint may say that another one further on passes
 * them too: then the walk goes on from that one, which must pass as any other. A hint that lies costs a request.
 *
 * A root is kept at once, but for one that a trusted clock says is not due, and one of a series where no clock says
 * that it is due: the walk goes on behind them, and where it ends at one of them, that root waits for a timestamp
 * that verifies under it, or was as good as not there. */
#include "rota/update/session_parts.h"

static bool skips(const struct rota_session *s)
{
	return s->meta.version > s->trusted.root.version + 1;
}

/* Kept at once; false: the walk only goes on behind it. */
static bool is_kept(const struct rota_session *s)
{
	const struct rota_time *now = &s->config.start;

	return rota_root_slot_begun(&s->root.slot, now) &&
		(now->trusted || s->root.slot.end_s == 0);
}

static enum rota_err keep(struct rota_session *s)
{
	if (s->root.slot.from_s != 0)
		s->trusted.time_floor_s = s->root.slot.from_s; /* SPEC 5.2 */
	s->ahead = false;
	return rota_root_trust(s);
}

/* The walk has come to another root. */
static void arrive(struct rota_session *s)
{
	const struct rota_tuf_head *head = &s->tuf.head;

	s->root.slot = (struct rota_root_slot){ head->not_before_s, head->slot_end_s };
	s->hinted = false;
}

enum rota_err rota_slots_load_done(struct rota_session *s)
{
	arrive(s);
	return rota_root_load_done(s);
}

/* ---- the hint ---- */

static bool hints(const struct rota_session *s)
{
	return !skips(s) && !s->hinted && !s->misled;
}

enum rota_err rota_hint_done(struct rota_session *s)
{
	if (s->skip_to <= s->trusted.root.version + 1)
		return rota_session_enter(s, ROTA_ST_ROOT_SELF);
	return rota_root_ask(s, s->skip_to);
}

/* What is skipped to may be published an hour before it is due: the one before it is the better guess. There is no
 * second one, or a stolen series would be walked down root by root. */
static enum rota_err step_back(struct rota_session *s)
{
	bool misled = s->misled;

	s->misled = true;
	return misled ? rota_root_next(s) : rota_root_ask(s, s->meta.version - 1);
}

enum rota_err rota_slots_self_done(struct rota_session *s)
{
	if (skips(s) && s->config.start.trusted &&
		s->tuf.head.not_before_s > s->config.start.unix_s)
		return step_back(s);
	if (!s->ahead)
		s->kept_root = s->trusted.root;
	s->trusted.root = s->meta;
	rota_root_adopt(s);
	arrive(s);
	s->ahead = true;
	return is_kept(s) ? keep(s) : rota_root_next(s);
}

/* ---- where the walk ends ---- */

/* To the root that is kept. */
static enum rota_err go_back(struct rota_session *s)
{
	s->trusted.root = s->kept_root;
	s->ahead = false;
	return rota_root_load(s, rota_root_leave_walk);
}

static enum rota_err go_to_timestamp(struct rota_session *s)
{
	return rota_slots_go(s, ROTA_ST_TIMESTAMP); /* the time floor has moved */
}

/* The root that waited for its timestamp. */
static enum rota_err keep_last(struct rota_session *s)
{
	ROTA_TRY(keep(s));
	s->then = go_to_timestamp;
	return ROTA_OK;
}

/* A timestamp shows that the slot of the root that waits for it has come. */
enum rota_err rota_slots_timestamp_done(struct rota_session *s)
{
	struct rota_tuf_head *head = &s->tuf.head;

	if (s->ahead && s->found.meta)
		return rota_root_load(s, keep_last);
	head->issued_s = rota_root_slot_clamp(&s->root.slot, head->issued_s); /* SPEC 5.2 */
	return rota_timestamp_done(s);
}

enum rota_err rota_slots_go(struct rota_session *s, enum rota_session_state state)
{
	rota_clock_read(s);
	if (state == ROTA_ST_ROOT_SELF && hints(s)) {
		s->hinted = true;
		return rota_hint_ask(s);
	}
	if (state == ROTA_ST_TIMESTAMP && rota_root_slot_over(&s->root.slot, &s->config.start)) {
		s->why.clause = ROTA_CLAUSE_SPEC_4_6;
		return ROTA_ERR_EXPIRED;
	}
	return rota_session_enter(s, state);
}

/* Go on without the hint, or without a root that is not kept. */
enum rota_err rota_slots_relent(struct rota_session *s, enum rota_err err)
{
	if (s->state == ROTA_ST_HINT) {
		s->misled = true;
		return rota_session_enter(s, ROTA_ST_ROOT_SELF);
	}
	if ((s->state == ROTA_ST_ROOT_NEXT || s->state == ROTA_ST_ROOT_SELF) && skips(s)) {
		s->misled = true;
		return rota_root_next(s);
	}
	if (s->state == ROTA_ST_TIMESTAMP && s->ahead)
		return go_back(s);
	if (s->state == ROTA_ST_ROOT_NEXT && err == ROTA_ERR_NOT_FOUND && s->ahead &&
		!rota_root_slot_begun(&s->root.slot, &s->config.start))
		return go_back(s);
	return err;
}
