/* SPDX-License-Identifier: Apache-2.0 */
/* Roles that sign targets: TUF 5.6. Each is verified against the delegator at hand, every time; nothing is
 * remembered of a role by its name but its floor.
 *
 * The search is a stack of pending delegations. While a role's file is read, those of its delegations that
 * cover the path are put above the stack; when the file has passed, they join it, the first on top, which
 * makes the order pre-order and depth-first. They stand at the end of the room, the later the lower. If the file does not pass they are forgotten. The role being visited
 * is the last pending one until then; only its keys, those of the others and those of top-level targets, where
 * the next search begins, stay in the ring. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

/* ---- the role being visited ---- */

struct rota_span rota_search_name(const struct rota_session *s)
{
	/* where none is left, the one that was visited last */
	const struct rota_pending *p =
		&s->room.pending[s->pending_count != 0 ? s->pending_count - 1 : 0];

	if (s->at_top)
		return ROTA_STR("targets");
	return rota_span(&s->room.pending_names[p->slot * s->config.limits->role_len], p->name_len);
}

const uint8_t *rota_search_tag(const struct rota_session *s)
{
	return &s->room.visited[(s->visited_count - 1) * ROTA_FLOOR_TAG_LEN];
}

/* Put the role among the visited ones; false: it was there. */
static bool visit(struct rota_session *s)
{
	uint8_t *tag = &s->room.visited[s->visited_count * ROTA_FLOOR_TAG_LEN];

	rota_floor_tag(s->config.crypto, tag, rota_search_name(s));
	for (const uint8_t *v = s->room.visited; v < tag; v += ROTA_FLOOR_TAG_LEN) {
		if (memcmp(v, tag, ROTA_FLOOR_TAG_LEN) == 0)
			return false;
	}
	s->visited_count++;
	return true;
}

void rota_search_begin(struct rota_session *s)
{
	s->pending_count = 0;
	s->visited_count = 0;
	s->at_top = true;
	(void)visit(s);
}

enum rota_err rota_session_find(
	struct rota_session *s, struct rota_span role, struct rota_span path)
{
	if (s->want.kind != ROTA_WANT_NOTHING && s->want.kind != ROTA_WANT_FOUND)
		return ROTA_ERR_STATE;
	if (path.len == 0 || (role.len != 0 && s->config.profile->binds == NULL))
		return ROTA_ERR_ARGUMENT;
	s->want_role = role;
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
	s->at_top = s->at_top && s->pending_count == 0; /* which then is the last one visited */
	for (; s->pending_count > 0; s->pending_count--) {
		if (s->visited_count == s->config.limits->visited)
			break;
		if (!visit(s)) /* TUF 5.6.7.1: cycles */
			continue;
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

static void mark_keys(struct rota_session *s, const struct rota_pending *p, uint8_t mark)
{
	const uint16_t *places = &s->room.pending_keys[p->slot * s->config.limits->role_keys];

	for (size_t i = 0; i < p->key_count; i++)
		s->room.keys.key[places[i]].marks |= mark;
}

/* Only keys that will be asked for stay, those of the role being visited marked BY. */
enum rota_err rota_search_enter_role(struct rota_session *s)
{
	uint8_t targets = 1u << ROTA_TOP_TARGETS;

	for (size_t i = 0; i < s->config.limits->keys; i++)
		s->room.keys.key[i].marks &= targets;
	for (size_t i = 0; i < s->pending_count; i++)
		mark_keys(s, &s->room.pending[i], ROTA_MARK_HELD);
	rota_keyring_keep(&s->room.keys, 0xFF);
	if (s->at_top) {
		rota_keyring_mark(&s->room.keys, targets, ROTA_MARK_BY);
		s->threshold[ROTA_BY] = s->threshold[ROTA_TOP_TARGETS];
	} else {
		mark_keys(s, &s->room.pending[s->pending_count - 1], ROTA_MARK_BY);
		s->threshold[ROTA_BY] = s->room.pending[s->pending_count - 1].threshold;
	}
	return rota_session_enter(s, ROTA_ST_ROLE);
}

/* ---- its file has passed ---- */

static void swap(struct rota_pending *a, struct rota_pending *b)
{
	struct rota_pending was = *a;

	*a = *b;
	*b = was;
}

/* The delegations found join the stack in the place of the role that made them, the first on top. A
 * terminating one ends the search below it: what was pending before is dropped (TUF 5.6.7.2.1). */
static void push_found(struct rota_session *s)
{
	size_t from = (size_t)s->config.limits->pending - s->found.pending;

	if (s->found.terminated || s->at_top)
		s->pending_count = 0;
	else
		s->pending_count--;
	for (; from < s->config.limits->pending; from++)
		swap(&s->room.pending[s->pending_count++], &s->room.pending[from]);
}

enum rota_err rota_search_passed(struct rota_session *s)
{
	if (s->want_path.len != 0 && !s->found.target) {
		push_found(s);
		return next_role(s);
	}
	s->want.kind = s->want_path.len == 0 ? ROTA_WANT_NOTHING : ROTA_WANT_FOUND;
	return ROTA_OK;
}
