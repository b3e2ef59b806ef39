/* SPDX-License-Identifier: Apache-2.0 */
/* Root: TUF 5.3, in the order of the text; skips and slots (SPEC 4.6).
 *
 * The walk is at a root whose keys stand in the ring, those of its own role marked BY. A later root is read
 * against these, which drops the others; then against its own. Both having passed, the walk is at that one. It is
 * kept at once, but for one that a trusted clock says is not due, and one of a pre-signed series where no clock
 * says that it is due: the walk goes on behind them, and where it ends at one of them, that root waits for a
 * timestamp that verifies under it, or was as good as not there. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

static bool skips(const struct rota_session *s)
{
	return s->meta.version > s->root.version + 1;
}

bool rota_root_ahead(const struct rota_session *s)
{
	return s->root.version != s->trusted.root_version;
}

/* ---- where the walk goes ---- */

/* Read the root that the walk is at. */
static void load(struct rota_session *s, enum rota_walk walk)
{
	s->walk = (uint8_t)walk;
	rota_keyring_keep(&s->room.keys, 0);
	rota_session_enter(s, ROTA_ST_ROOT_LOAD);
}

static void go_to_trusted(struct rota_session *s, enum rota_walk walk)
{
	s->root.version = s->trusted.root_version;
	memcpy(s->root.sha256, s->trusted.root_sha256, ROTA_SHA256_LEN);
	s->rotated = false;
	load(s, walk);
}

void rota_root_begin(struct rota_session *s)
{
	go_to_trusted(s, ROTA_WALK_ON);
}

void rota_root_keep(struct rota_session *s)
{
	load(s, ROTA_WALK_KEEP);
}

/* Its keys are the ones that count, so it must be good now. */
static void leave_walk(struct rota_session *s)
{
	if (s->root.expires_s <= s->now_s)
		rota_session_fail(s, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_3_10);
	else if (s->config.profile->device && rota_root_slot_over(&s->root.slot, &s->config.start))
		rota_session_fail(s, ROTA_ERR_EXPIRED, ROTA_CLAUSE_SPEC_4_6);
	else
		rota_session_enter(s, ROTA_ST_TIMESTAMP);
}

/* There is no later root, or too many. */
static void end_walk(struct rota_session *s)
{
	if (rota_root_ahead(s) && !rota_root_slot_begun(&s->root.slot, &s->config.start))
		go_to_trusted(s, ROTA_WALK_OVER);
	else if (s->reading)
		load(s, ROTA_WALK_OVER);
	else
		leave_walk(s);
}

static void next_root(struct rota_session *s, uint64_t version)
{
	uint32_t max = s->config.limits->roots;

	if (s->root_updates++ == (max != 0 ? max : ROTA_ROOT_UPDATES_MAX)) { /* TUF 5.3.3 */
		end_walk(s);
		return;
	}
	s->meta.version = version;
	rota_session_enter(s, ROTA_ST_ROOT_NEXT);
}

void rota_root_next(struct rota_session *s)
{
	next_root(s, s->root.version + 1);
}

bool rota_root_relent(struct rota_session *s)
{
	if (s->state == ROTA_ST_HINT) {
		s->misled = true;
		rota_session_enter(s, ROTA_ST_ROOT_SELF);
		return true;
	}
	if ((s->state == ROTA_ST_ROOT_NEXT || s->state == ROTA_ST_ROOT_SELF) && skips(s)) {
		s->misled = true;
		rota_root_next(s);
		return true;
	}
	if (s->state == ROTA_ST_TIMESTAMP && rota_root_ahead(s)) {
		go_to_trusted(s, ROTA_WALK_OVER);
		return true;
	}
	return false;
}

/* ---- what a root says ---- */

enum rota_err rota_root_event(struct rota_session *s, const struct rota_tuf_event *e)
{
	int role;

	if (e->kind != ROTA_TUF_ROLE)
		return ROTA_OK;
	role = rota_session_top_role(e->id);
	if (role >= 0) {
		rota_keyring_mark(&s->room.keys, ROTA_MARK_CURRENT, (uint8_t)(1u << role));
		s->threshold[role] = e->threshold;
		s->found.roles = (uint8_t)(s->found.roles | 1u << role);
	}
	rota_keyring_keep(&s->room.keys, (uint8_t)~ROTA_MARK_CURRENT);
	return ROTA_OK;
}

/* Which public keys timestamp and snapshot have, in the order of their ids. */
static void online_keys(const struct rota_session *s, uint8_t tag[static ROTA_FLOOR_TAG_LEN])
{
	const struct rota_crypto *crypto = s->config.crypto;
	uint8_t digest[ROTA_SHA256_LEN], roles;
	struct rota_sha256 sha256;

	crypto->sha256_init(&sha256);
	for (size_t i = 0; i < s->room.keys.count; i++) {
		const struct rota_key *key = &s->room.keys.key[i];

		roles = key->marks & (1u << ROTA_TOP_TIMESTAMP | 1u << ROTA_TOP_SNAPSHOT);
		if (roles == 0)
			continue;
		crypto->sha256_update(&sha256, rota_span(&roles, 1));
		crypto->sha256_update(&sha256, rota_span(key->raw, key->raw_len));
	}
	crypto->sha256_final(&sha256, digest);
	memcpy(tag, digest, ROTA_FLOOR_TAG_LEN);
}

/* The root just read becomes the one that everything below is checked against. */
static void adopt(struct rota_session *s)
{
	const struct rota_tuf_head *head = &s->tuf.head;

	rota_keyring_keep(&s->room.keys, ROTA_MARK_TOP);
	rota_keyring_mark(&s->room.keys, 1u << ROTA_TOP_ROOT, ROTA_MARK_BY);
	s->threshold[ROTA_BY] = s->threshold[ROTA_TOP_ROOT];
	online_keys(s, s->root.online);
	s->root.version = head->version;
	s->root.expires_s = head->expires_s;
	s->root.slot = (struct rota_root_slot){ head->not_before_s, head->slot_end_s };
	memcpy(s->root.sha256, s->digest, ROTA_SHA256_LEN);
	s->consistent = head->consistent_snapshot; /* TUF 5.3.12 */
	s->reading = false;
	s->hinted = false;
}

/* The root that the walk is at is the trusted one from now on. */
static void trust(struct rota_session *s)
{
	struct rota_trusted *t = &s->trusted;

	t->root_version = s->root.version;
	memcpy(t->root_sha256, s->root.sha256, ROTA_SHA256_LEN);
	if (s->config.profile->device && s->root.slot.from_s != 0)
		t->time_floor_s = s->root.slot.from_s; /* SPEC 5.2 */
	if (s->rotated) { /* TUF 5.3.11: fast-forward recovery; floors stay (SPEC 4.3) */
		t->timestamp_version = 0;
		t->timestamp_expires_s = 0;
		t->timestamp_issued_s = 0;
		memset(&t->listed, 0, sizeof(t->listed));
		t->snapshot_version = 0;
	}
	s->rotated = false;
	rota_session_set_now(s);
	rota_session_enter(s, ROTA_ST_ROOT_KEEP);
}

void rota_root_load_done(struct rota_session *s)
{
	if (s->found.roles != ROTA_MARK_TOP || s->tuf.head.version != s->root.version) {
		rota_session_fail(s, ROTA_ERR_CORRUPT, ROTA_CLAUSE_TUF_5_2);
		return;
	}
	adopt(s);
	if (s->walk == ROTA_WALK_ON && s->config.profile->loaded != NULL)
		s->config.profile->loaded(s);
	else if (s->walk == ROTA_WALK_ON)
		rota_root_next(s);
	else if (s->walk == ROTA_WALK_OVER)
		leave_walk(s);
	else
		trust(s);
}

void rota_root_next_done(struct rota_session *s)
{
	if (s->tuf.head.version != s->meta.version) { /* TUF 5.3.5 */
		rota_session_refuse(s, ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_3_5);
		return;
	}
	if (s->found.roles != ROTA_MARK_TOP) {
		rota_session_refuse(s, ROTA_ERR_FORMAT, ROTA_CLAUSE_SPEC_3);
		return;
	}
	memcpy(s->meta.sha256, s->digest, ROTA_SHA256_LEN);
	if (s->config.profile->device && !skips(s) && !s->hinted && !s->misled) {
		s->hinted = true;
		rota_session_enter(s, ROTA_ST_HINT);
	} else {
		rota_session_enter(s, ROTA_ST_ROOT_SELF);
	}
}

void rota_hint_done(struct rota_session *s)
{
	if (s->skip_to <= s->root.version + 1) {
		rota_session_enter(s, ROTA_ST_ROOT_SELF);
		return;
	}
	next_root(s, s->skip_to);
}

/* Kept at once; false: the walk only goes on behind it. */
static bool is_kept(const struct rota_session *s)
{
	const struct rota_time *now = &s->config.start;

	if (!s->config.profile->device)
		return true;
	return rota_root_slot_begun(&s->root.slot, now) &&
		(now->trusted || s->root.slot.end_s == 0);
}

void rota_root_self_done(struct rota_session *s)
{
	uint8_t online[ROTA_FLOOR_TAG_LEN];

	/* What is skipped to may be published an hour before it is due: the one before it is the better guess. */
	if (skips(s) && s->tuf.head.not_before_s > s->config.start.unix_s &&
		s->config.start.trusted) {
		next_root(s, s->meta.version - 1);
		return;
	}
	memcpy(online, s->root.online, sizeof(online));
	adopt(s);
	s->rotated = s->rotated || memcmp(online, s->root.online, sizeof(online)) != 0;
	if (is_kept(s))
		trust(s);
	else
		rota_root_next(s);
}

void rota_root_kept(struct rota_session *s)
{
	if (s->walk == ROTA_WALK_KEEP)
		rota_session_enter(s, ROTA_ST_TIMESTAMP);
	else
		rota_root_next(s);
}

void rota_root_missing(struct rota_session *s)
{
	if (!rota_root_relent(s)) /* only what the hint spoke of */
		end_walk(s);
}
