/* SPDX-License-Identifier: Apache-2.0 */
/* Root: TUF 5.3, in the order of the text.
 *
 * The walk is at a root whose keys stand in the ring, those of its own role marked BY. A later root is read
 * against these, which drops the others; then against its own. Both having passed, the walk is at that one, and it
 * is kept. Where the device profile skips roots, and lets one wait for its slot: session_slots.c. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

/* ---- where the walk goes ---- */

enum rota_err rota_root_load(struct rota_session *s, enum rota_err (*then)(struct rota_session *s))
{
	s->then = then;
	rota_keyring_keep(&s->room.keys, 0);
	return rota_session_go(s, ROTA_ST_ROOT_LOAD);
}

/* Its keys are the ones that count, so it must be good now. */
enum rota_err rota_root_leave_walk(struct rota_session *s)
{
	ROTA_TRY(rota_session_expiry(s, ROTA_CLAUSE_TUF_5_3_10, s->root.expires_s));
	return rota_session_go(s, ROTA_ST_TIMESTAMP);
}

enum rota_err rota_root_end_walk(struct rota_session *s)
{
	return s->reading ? rota_root_load(s, rota_root_leave_walk) : rota_root_leave_walk(s);
}

enum rota_err rota_root_ask(struct rota_session *s, rota_num version)
{
	s->meta.version = version;
	s->meta.length = 0;
	s->meta.has_sha256 = false;
	ROTA_TRY(rota_session_go(s, ROTA_ST_ROOT_NEXT));
	if (s->root_updates++ >= s->config.limits->roots) /* TUF 5.3.3 */
		return rota_session_refuse(s, ROTA_ERR_NOT_FOUND);
	return ROTA_OK;
}

enum rota_err rota_root_next(struct rota_session *s)
{
	return rota_root_ask(s, s->trusted.root.version + 1);
}

/* ---- what a root says ---- */

enum rota_err rota_root_event(struct rota_session *s, const struct rota_tuf_event *e)
{
	uint8_t mark = 0;
	int role;

	if (e->kind != ROTA_TUF_ROLE)
		return ROTA_OK;
	role = rota_session_top_role(e->id);
	if (role >= 0) {
		mark = (uint8_t)(1u << role);
		s->threshold[role] = e->threshold;
		s->found.roles |= mark;
	}
	rota_keyring_mark(&s->room.keys, (uint8_t)~ROTA_MARK_CURRENT, ROTA_MARK_CURRENT, mark);
	return ROTA_OK;
}

/* A tag of which public keys timestamp and snapshot have, in the order of their ids. */
static uint64_t online_keys(const struct rota_session *s)
{
	const struct rota_crypto *crypto = s->config.crypto;
	union {
		uint8_t digest[ROTA_SHA256_LEN];
		uint64_t tag;
	} online;
	struct rota_sha256 sha256;
	uint8_t roles;

	crypto->sha256_init(&sha256);
	for (size_t i = 0; i < s->config.limits->keys; i++) {
		const struct rota_key *key = &s->room.keys.key[i];

		roles = key->marks & (1u << ROTA_TOP_TIMESTAMP | 1u << ROTA_TOP_SNAPSHOT);
		if (roles == 0)
			continue;
		crypto->sha256_update(&sha256, rota_span(&roles, 1));
		crypto->sha256_update(&sha256, rota_span(key->raw, key->raw_len));
	}
	crypto->sha256_final(&sha256, online.digest);
	return online.tag;
}

void rota_root_adopt(struct rota_session *s)
{
	const struct rota_tuf_head *head = &s->tuf.head;
	uint64_t online;

	rota_keyring_mark(&s->room.keys, ROTA_MARK_TOP, 1u << ROTA_TOP_ROOT, ROTA_MARK_BY);
	s->threshold[ROTA_BY] = s->threshold[ROTA_TOP_ROOT];
	online = online_keys(s);
	if (s->root.online != online)
		s->rotated = true;
	s->root.online = online;
	s->root.expires_s = head->expires_s;
	s->consistent = head->consistent_snapshot; /* TUF 5.3.12 */
	s->reading = false;
}

enum rota_err rota_root_trust(struct rota_session *s)
{
	struct rota_trusted *t = &s->trusted;
	size_t online = offsetof(struct rota_trusted, timestamp_version); /* and all behind it */

	if (s->rotated) { /* TUF 5.3.11: fast-forward recovery; floors stay (SPEC 4.3) */
		memset((uint8_t *)t + online, 0, sizeof(*t) - online);
	}
	s->rotated = false;
	return rota_session_keep(s, rota_root_next);
}

enum rota_err rota_root_load_done(struct rota_session *s)
{
	bool rotated = s->rotated; /* which reading one again does not change */

	s->why.clause = ROTA_CLAUSE_TUF_5_2;
	if (s->found.roles != ROTA_MARK_TOP || s->tuf.head.version != s->trusted.root.version)
		return ROTA_ERR_CORRUPT;
	rota_root_adopt(s);
	s->rotated = rotated;
	return s->then(s);
}

enum rota_err rota_root_next_done(struct rota_session *s)
{
	s->why.clause = ROTA_CLAUSE_TUF_5_3_5;
	if (s->tuf.head.version != s->meta.version)
		return rota_session_refuse(s, ROTA_ERR_VERSION);
	s->why.clause = ROTA_CLAUSE_SPEC_3;
	if (s->found.roles != ROTA_MARK_TOP)
		return rota_session_refuse(s, ROTA_ERR_FORMAT);
	memcpy(s->meta.sha256, s->digest, ROTA_SHA256_LEN);
	s->meta.has_sha256 = true;
	return rota_session_go(s, ROTA_ST_ROOT_SELF);
}

enum rota_err rota_root_self_done(struct rota_session *s)
{
	memcpy(&s->trusted.root, &s->meta, sizeof(s->meta));
	rota_root_adopt(s);
	return rota_root_trust(s);
}
