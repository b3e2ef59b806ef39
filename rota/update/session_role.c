/* SPDX-License-Identifier: Apache-2.0 */
/* What the file of a role that signs targets says, and what becomes of it when it has passed. Nothing that a file
 * said is left when it is read anew: all of it is in s->found, and its keys have the mark FILE. */
#include "rota/update/session_parts.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"
#include "rota/trust/path.h"

/* TUF 4.5, path_hash_prefixes: the hex SHA-256 of the path begins with the prefix. */
static bool prefix_match(const struct rota_session *s, struct rota_span prefix)
{
	uint8_t digest[ROTA_SHA256_LEN];
	size_t at = 0;

	rota_floor_digest(s->config.crypto, digest, s->want_path);
	for (; at < prefix.len && at < 2 * ROTA_SHA256_LEN; at++) {
		if (rota_hex_digit(prefix.p[at]) != (digest[at / 2] >> (at % 2 == 0 ? 4 : 0) & 15))
			return false;
	}
	return at == prefix.len;
}

enum rota_err rota_role_follow(
	struct rota_session *s, const struct rota_tuf_event *e, struct rota_span name)
{
	const struct rota_limits *l = s->config.limits;
	struct rota_pending *p;

	if (s->pending_count + s->found.pending >= l->pending || name.len > l->role_len)
		return ROTA_ERR_LIMIT;
	p = &s->room.pending[l->pending - s->found.pending - 1];
	memcpy(&s->room.pending_names[p->slot * l->role_len], name.p, name.len);
	p->name_len = (uint8_t)name.len;
	p->threshold = e->threshold;
	p->key_count = 0;
	for (uint16_t i = 0; i < l->keys; i++) {
		if ((s->room.keys.key[i].marks & ROTA_MARK_CURRENT) == 0)
			continue;
		if (p->key_count == l->role_keys)
			return ROTA_ERR_LIMIT;
		s->room.pending_keys[p->slot * l->role_keys + p->key_count++] = i;
	}
	s->found.terminated = e->kind == ROTA_TUF_BINS || e->terminating;
	s->found.pending++;
	return ROTA_OK;
}

/* Whether a delegation or target counts in this search: any does, where no role was asked for. */
static bool counts(const struct rota_session *s, const struct rota_tuf_event *e)
{
	return s->want_role.len == 0 || s->config.profile->binds(s, e);
}

static enum rota_err visit_later(struct rota_session *s, const struct rota_tuf_event *e)
{
	const struct rota_session_profile *p = s->config.profile;

	if (s->want_path.len == 0)
		return ROTA_OK;
	if (e->kind == ROTA_TUF_BINS)
		return p->bins != NULL ? p->bins(s, e) : ROTA_ERR_UNSUPPORTED;
	if (s->found.path_match && !s->found.terminated && counts(s, e))
		return rota_role_follow(s, e, e->id);
	return ROTA_OK;
}

static enum rota_err end_delegation(struct rota_session *s, const struct rota_tuf_event *e)
{
	enum rota_err err;

	if (rota_session_top_role(e->id) >= 0) /* its file would pass for the other's */
		return ROTA_ERR_FORMAT;
	err = visit_later(s, e);
	rota_keyring_keep(&s->room.keys, (uint8_t)~ROTA_MARK_CURRENT);
	s->found.path_match = false;
	return err;
}

static void note_target(struct rota_session *s, const struct rota_tuf_event *e)
{
	if (s->want_path.len == 0 || !rota_span_eq(e->id, s->want_path) || !e->file.has_sha256 ||
		!counts(s, e))
		return;
	s->found.target = true;
	s->target.length = e->file.length;
	memcpy(s->target.sha256, e->file.sha256, ROTA_SHA256_LEN);
}

enum rota_err rota_role_event(struct rota_session *s, const struct rota_tuf_event *e)
{
	switch (e->kind) {
	case ROTA_TUF_ROLE_PATH:
		s->found.path_match = s->found.path_match || rota_path_match(e->text, s->want_path);
		return ROTA_OK;
	case ROTA_TUF_ROLE_PREFIX:
		s->found.path_match = s->found.path_match || prefix_match(s, e->text);
		return ROTA_OK;
	case ROTA_TUF_ROLE:
	case ROTA_TUF_BINS:
		return end_delegation(s, e);
	case ROTA_TUF_TARGET:
		note_target(s, e);
		return ROTA_OK;
	case ROTA_TUF_SIGNATURE:
	case ROTA_TUF_SIGNED:
	case ROTA_TUF_KEY:
	case ROTA_TUF_ROLE_KEYID:
	case ROTA_TUF_META:
	default:
		return ROTA_OK;
	}
}

/* ---- it has passed ---- */

static enum rota_err check(struct rota_session *s)
{
	s->why.clause = ROTA_CLAUSE_TUF_5_6_4;
	if (s->tuf.head.version != s->meta.version)
		return ROTA_ERR_VERSION;
	return rota_session_expiry(s, ROTA_CLAUSE_TUF_5_6_5, s->tuf.head.expires_s);
}

static enum rota_err raise(struct rota_session *s, enum rota_floor_change *change)
{
	enum rota_err err;

	if (s->config.profile->raises == NULL)
		return ROTA_OK;
	err = s->config.profile->raises(s, change);
	s->why.clause = err == ROTA_ERR_VERSION ? ROTA_CLAUSE_SPEC_4_3 : ROTA_CLAUSE_SPEC_4_8;
	return err;
}

enum rota_err rota_role_done(struct rota_session *s)
{
	enum rota_floor_change change = ROTA_FLOOR_RAISED;
	enum rota_err err = check(s);

	/* A copy at hand may be older than what the network has under the same version; a file of a known digest
	 * may not. */
	if (err != ROTA_OK)
		return s->copy ? rota_session_refuse(s, err) : err;
	ROTA_TRY(raise(s, &change));
	s->target.role_version = s->tuf.head.version;
	if (change == ROTA_FLOOR_SAME && !s->want.fresh)
		return rota_search_passed(s);
	s->want.floor_fell = change == ROTA_FLOOR_FELL;
	return rota_session_keep(s, rota_search_passed);
}
