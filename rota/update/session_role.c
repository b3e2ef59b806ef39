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
	const uint8_t *byte = digest;

	rota_floor_digest(s->config.crypto, digest, s->want_path);
	if (prefix.len > 2 * sizeof(digest))
		return false;
	for (size_t at = 0; at < prefix.len; at++) {
		if (rota_hex_digit(prefix.p[at]) != (at % 2 == 0 ? *byte >> 4 : *byte++ & 15))
			return false;
	}
	return true;
}

/* The delegation at hand is to be visited. */
static enum rota_err follow(struct rota_session *s, const struct rota_tuf_event *e)
{
	const struct rota_keyring *ring = &s->room.keys;
	struct rota_pending *p =
		(struct rota_pending *)(void *)&s->room.pending[s->found.pending_len];
	size_t room = (size_t)((const uint8_t *)s->pending - (const uint8_t *)p);
	size_t len = offsetof(struct rota_pending, key) + e->id.len + sizeof(rota_num) - 1;
	size_t count = 0;

	if (e->id.len > ROTA_ROLE_NAME_MAX)
		return ROTA_ERR_LIMIT;
	for (size_t i = 0;; i++) {
		if (len > room)
			return ROTA_ERR_LIMIT;
		if (i == ring->limits->keys)
			break;
		if ((ring->key[i].marks & ROTA_MARK_CURRENT) != 0) {
			p->key[count++] = (uint16_t)i;
			len += sizeof(p->key[0]);
		}
	}
	p->threshold = e->threshold;
	p->key_count = (uint16_t)count;
	p->name_len = (uint16_t)e->id.len;
	memcpy(&p->key[count], e->id.p, e->id.len);
	p->len = (uint16_t)(len / sizeof(rota_num) * sizeof(rota_num));
	s->found.pending_len = (uint16_t)(s->found.pending_len + p->len);
	s->found.terminated = e->terminating;
	return ROTA_OK;
}

static enum rota_err visit_later(struct rota_session *s, const struct rota_tuf_event *e)
{
	if (s->want_path.len == 0)
		return ROTA_OK;
	if (e->kind == ROTA_TUF_BINS)
		return ROTA_ERR_UNSUPPORTED;
	return s->found.path_match && !s->found.terminated ? follow(s, e) : ROTA_OK;
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
	if (s->want_path.len == 0 || !rota_span_eq(e->id, s->want_path) || !e->file.has_sha256)
		return;
	s->found.target = true;
	s->target.length = e->file.length;
	memcpy(s->target.sha256, e->file.sha256, ROTA_SHA256_LEN);
}

enum rota_err rota_role_event(struct rota_session *s, const struct rota_tuf_event *e)
{
	bool match = false;

	switch (e->kind) {
	case ROTA_TUF_ROLE_PATH:
		match = rota_path_match(e->text, s->want_path);
		break;
	case ROTA_TUF_ROLE_PREFIX:
		match = prefix_match(s, e->text);
		break;
	case ROTA_TUF_DELEGATION:
	case ROTA_TUF_BINS:
		return end_delegation(s, e);
	case ROTA_TUF_TARGET:
		note_target(s, e);
		break;
	case ROTA_TUF_SIGNATURE:
	case ROTA_TUF_SIGNED:
	case ROTA_TUF_KEY:
	case ROTA_TUF_ROLE:
	case ROTA_TUF_ROLE_KEYID:
	case ROTA_TUF_META:
	default:
		break;
	}
	if (match)
		s->found.path_match = true;
	return ROTA_OK;
}

/* ---- it has passed ---- */

static enum rota_err check(struct rota_session *s)
{
	s->why.clause = ROTA_CLAUSE_TUF_5_6_4;
	if (s->tuf.head.version != s->meta.version)
		return ROTA_ERR_VERSION;
	return rota_session_expiry(s, ROTA_CLAUSE_TUF_5_6_5, s->tuf.head.expires_s);
}

enum rota_err rota_role_done(struct rota_session *s)
{
	const struct rota_session_profile *p = s->config.profile;
	enum rota_err err = check(s);

	/* A copy at hand may be older than what the network has under the same version; a file of a known digest
	 * may not. */
	if (err != ROTA_OK)
		return s->want.current != 0 ? rota_session_refuse(s, err) : err;
	if (p->raises != NULL)
		ROTA_TRY(p->raises(s));
	s->target.role_version = s->tuf.head.version;
	return rota_session_keep(s, rota_search_passed);
}
