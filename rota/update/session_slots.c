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
	return s->meta.version > s->root.file.version + 1;
}

/* Whether the walk has come to a root that is not kept yet. */
static bool ahead(const struct rota_session *s)
{
	return s->root.file.version != s->trusted.root_version;
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
	return rota_root_trust(s);
}

/* The walk has come to another root. */
static void arrive(struct rota_session *s)
{
	const struct rota_tuf_head *head = &s->tuf.head;

	s->root.slot = (struct rota_root_slot){ head->not_before_s, head->slot_end_s };
	s->hinted = false;
}

static bool loaded(struct rota_session *s)
{
	arrive(s);
	if (s->walk != ROTA_WALK_KEEP)
		return false;
	rota_session_settle(s, keep(s));
	return true;
}

static bool ask_hint(struct rota_session *s)
{
	if (skips(s) || s->hinted || s->misled)
		return false;
	s->hinted = true;
	rota_session_settle(s, rota_session_enter(s, ROTA_ST_HINT));
	return true;
}

enum rota_err rota_hint_done(struct rota_session *s)
{
	if (s->skip_to <= s->root.file.version + 1)
		return rota_session_enter(s, ROTA_ST_ROOT_SELF);
	return rota_root_ask(s, s->skip_to);
}

/* What is skipped to may be published an hour before it is due: the one before it is the better guess. There is no
 * second one, or a stolen series would be walked down root by root. */
static bool step_back(struct rota_session *s)
{
	if (!skips(s) || !s->config.start.trusted ||
		s->tuf.head.not_before_s <= s->config.start.unix_s)
		return false;
	rota_session_settle(
		s, s->misled ? rota_root_next(s) : rota_root_ask(s, s->meta.version - 1));
	s->misled = true;
	return true;
}

static bool taken(struct rota_session *s)
{
	arrive(s);
	rota_session_settle(s, is_kept(s) ? keep(s) : rota_root_next(s));
	return true;
}

static bool kept(struct rota_session *s)
{
	if (s->walk != ROTA_WALK_KEEP)
		return false;
	rota_session_settle(s, rota_session_enter(s, ROTA_ST_TIMESTAMP));
	return true;
}

static bool walk_end(struct rota_session *s)
{
	if (!ahead(s) || rota_root_slot_begun(&s->root.slot, &s->config.start))
		return false;
	rota_session_settle(s, rota_root_return(s, ROTA_WALK_OVER));
	return true;
}

static bool walk_left(struct rota_session *s)
{
	if (!rota_root_slot_over(&s->root.slot, &s->config.start))
		return false;
	s->why.clause = ROTA_CLAUSE_SPEC_4_6;
	rota_session_settle(s, ROTA_ERR_EXPIRED);
	return true;
}

/* A timestamp shows that the slot of the root that waits for it has come. */
static bool timestamp_read(struct rota_session *s)
{
	struct rota_tuf_head *head = &s->tuf.head;

	if (ahead(s)) {
		rota_session_settle(s, rota_root_load(s, ROTA_WALK_KEEP));
		return true;
	}
	head->issued_s = rota_root_slot_clamp(&s->root.slot, head->issued_s); /* SPEC 5.2 */
	return false;
}

bool rota_slots_turn(struct rota_session *s, enum rota_turn at)
{
	static bool (*const turns[])(struct rota_session * s) = {
		[ROTA_TURN_ROOT_LOADED] = loaded,
		[ROTA_TURN_ROOT_READ] = ask_hint,
		[ROTA_TURN_ROOT_PASSED] = step_back,
		[ROTA_TURN_ROOT_TAKEN] = taken,
		[ROTA_TURN_ROOT_KEPT] = kept,
		[ROTA_TURN_WALK_END] = walk_end,
		[ROTA_TURN_WALK_LEFT] = walk_left,
		[ROTA_TURN_TIMESTAMP_READ] = timestamp_read,
		[ROTA_TURN_TIME] = rota_clock_turn,
	};

	return at <= ROTA_TURN_TIME && turns[at](s);
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
	if (s->state == ROTA_ST_TIMESTAMP && ahead(s))
		return rota_root_return(s, ROTA_WALK_OVER);
	return err;
}
