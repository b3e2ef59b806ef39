/* SPDX-License-Identifier: Apache-2.0 */
/* Roles that sign targets: TUF 5.6. Each is verified against the delegator at hand, every time; nothing is
 * remembered of a role by its name but its floor.
 *
 * The search is a stack of pending delegations, one behind the other at the end of the room; the first is the role
 * being visited, and where there is none, top-level targets are. While a role's file is read, those of its
 * delegations that cover the path are put at the beginning of the room; when the file has passed, they take the place
 * of the role that made them, in their order, which makes the search pre-order and depth-first. If the file does not
 * pass they are forgotten. Of keys only those of the stack, and those of top-level targets, where the next search
 * begins, stay in the ring. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

static struct rota_pending *below(const struct rota_pending *p)
{
	return (struct rota_pending *)((uintptr_t)p + p->len);
}

/* ---- the role being visited ---- */

struct rota_span rota_search_name(const struct rota_session *s)
{
	const struct rota_pending *p = s->pending;

	if (p->len == 0)
		return ROTA_STR("targets");
	return rota_span(&p->key[p->key_count], p->name_len);
}

const uint8_t *rota_search_tag(const struct rota_session *s)
{
	return &s->room.visited[(s->visited_count - 1) * ROTA_FLOOR_TAG_LEN];
}

/* Put the role among the visited ones; false: it was there. */
static bool visit(struct rota_session *s)
{
	uint8_t *v = s->room.visited, *tag = v + s->visited_count * ROTA_FLOOR_TAG_LEN;

	rota_floor_tag(s->config.crypto, tag, rota_search_name(s));
	while (memcmp(v, tag, ROTA_FLOOR_TAG_LEN) != 0)
		v += ROTA_FLOOR_TAG_LEN;
	if (v != tag)
		return false;
	s->visited_count++;
	return true;
}

void rota_search_begin(struct rota_session *s)
{
	uint8_t *end = &s->room.pending[s->config.limits->pending_len];

	s->pending = (struct rota_pending *)(void *)end - 1; /* which is always empty */
	s->visited_count = 0;
	(void)visit(s);
}

enum rota_err rota_session_find(struct rota_session *s, struct rota_span path)
{
	if (s->want.kind != ROTA_WANT_NOTHING && s->want.kind != ROTA_WANT_FOUND)
		return ROTA_ERR_STATE;
	if (path.len == 0)
		return ROTA_ERR_ARGUMENT;
	s->want_role.len = 0;
	s->want_path = path;
	rota_search_begin(s);
	return rota_session_enter(s, ROTA_ST_META);
}

/* ---- which role is next ---- */

/* Nothing lists the target (TUF 5.7.2); with a role asked, not the one that had to. */
static enum rota_err not_found(struct rota_session *s)
{
	s->why.clause = s->want_role.len == 0 ? ROTA_CLAUSE_TUF_5_6_7 : ROTA_CLAUSE_SPEC_4_4;
	return ROTA_ERR_NOT_FOUND;
}

static enum rota_err next_role(struct rota_session *s)
{
	for (; s->pending->len > 0; s->pending = below(s->pending)) {
		s->want.role = rota_search_name(s); /* the last one's may be written over */
		if (s->visited_count == s->config.limits->visited)
			break;
		if (visit(s)) /* TUF 5.6.7.1: cycles */
			return rota_session_enter(s, ROTA_ST_META);
	}
	return not_found(s);
}

enum rota_err rota_search_meta_done(struct rota_session *s)
{
	if (s->found.meta)
		return rota_search_enter_role(s);
	s->why.clause = ROTA_CLAUSE_TUF_5_6_7;
	return ROTA_ERR_NOT_FOUND;
}

/* Only keys that will be asked for stay, those of the role being visited marked BY. */
enum rota_err rota_search_enter_role(struct rota_session *s)
{
	const struct rota_pending *p = s->pending;
	uint8_t mark = ROTA_MARK_BY;

	s->threshold[ROTA_BY] = p->len == 0 ? s->threshold[ROTA_TOP_TARGETS] : p->threshold;
	rota_keyring_mark(&s->room.keys, 1u << ROTA_TOP_TARGETS, 1u << ROTA_TOP_TARGETS,
		p->len == 0 ? ROTA_MARK_BY : 0);
	for (; p->len != 0; p = below(p)) {
		for (size_t i = 0; i < p->key_count; i++)
			s->room.keys.key[p->key[i]].marks |= mark;
		mark = ROTA_MARK_HELD;
	}
	return rota_session_enter(s, ROTA_ST_ROLE);
}

/* ---- its file has passed ---- */

/* The delegations found join the stack in the place of the role that made them. A terminating one ends the search
 * below it: what was pending before is dropped (TUF 5.6.7.2.1). */
static void push_found(struct rota_session *s)
{
	struct rota_pending *p = s->pending;
	size_t len = s->found.pending_len;
	const uint8_t *from = s->room.pending;
	uint8_t *to;

	do {
		p = below(p);
	} while (s->found.terminated && p->len != 0);
	to = (uint8_t *)p - len;
	s->pending = (struct rota_pending *)(void *)to;
	while (len-- > 0) /* from the last: they may overlap */
		to[len] = from[len];
}

enum rota_err rota_search_passed(struct rota_session *s)
{
	if (s->want_path.len != 0 && !s->found.target) {
		push_found(s);
		return next_role(s);
	}
	s->want.kind = s->found.target ? ROTA_WANT_FOUND : ROTA_WANT_NOTHING;
	return ROTA_OK;
}
