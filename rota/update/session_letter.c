/* SPDX-License-Identifier: Apache-2.0 */
/* The specification to the letter (SPEC 4.9): TUF 5.2, and the trusted metadata of 5.4.3 and 5.5.5.
 *
 * A device has a journal that says which files are trusted. A plain client has the files alone, and a disk may
 * damage them, so they count only after they have passed their signatures anew: root by its own keys, timestamp
 * and snapshot by root's. A timestamp or snapshot that does not pass is as good as none, since the next one
 * replaces it; a root that does not is an error. One that has expired counts: rollback is held against it.
 *
 * Later the trusted snapshot is read once more before the new one, and the new one must list all that it lists.
 * The device profile has floors (SPEC 4.3) instead. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

enum { OWN_ROOT = ROTA_ST_OWN, OWN_TIMESTAMP, OWN_SNAPSHOT, OWN_SNAPSHOT_OLD };

static void enter(struct rota_session *s, int state)
{
	rota_session_enter(s, (enum rota_session_state)state);
}

static void describe(const struct rota_session *s, struct rota_want *out)
{
	out->at_hand = true;
	if (s->state == OWN_ROOT) {
		out->version = s->root.version;
		out->sha256 = s->root.sha256;
	}
	if (s->state == OWN_SNAPSHOT_OLD) {
		out->version = s->consistent ? s->trusted.snapshot_version : 0;
		out->sha256 = s->trusted.snapshot_sha256;
	}
}

/* ---- what lies on disk ---- */

static void root_loaded(struct rota_session *s)
{
	struct rota_trusted root = { .root_version = s->root.version };

	memcpy(root.root_sha256, s->root.sha256, ROTA_SHA256_LEN);
	s->trusted = root;
	rota_session_set_now(s);
	enter(s, OWN_ROOT);
}

static void root_done(struct rota_session *s)
{
	enter(s, OWN_TIMESTAMP);
}

static void timestamp_done(struct rota_session *s)
{
	if (s->found.meta)
		rota_timestamp_take(s);
	rota_session_set_now(s);
	enter(s, OWN_SNAPSHOT);
}

static void snapshot_done(struct rota_session *s)
{
	s->trusted.snapshot_version = s->tuf.head.version;
	memcpy(s->trusted.snapshot_sha256, s->digest, ROTA_SHA256_LEN);
	rota_root_next(s);
}

/* ---- two snapshots ---- */

/* The same file need not be compared with itself. */
static bool compares(struct rota_session *s)
{
	const struct rota_trusted *t = &s->trusted;

	s->listed_count = 0;
	if (t->snapshot_version == 0)
		return false;
	if (t->listed.has_sha256 &&
		memcmp(t->listed.sha256, t->snapshot_sha256, ROTA_SHA256_LEN) == 0)
		return false;
	if (!t->listed.has_sha256 && t->listed.version == t->snapshot_version)
		return false;
	enter(s, OWN_SNAPSHOT_OLD);
	return true;
}

static void listed_tag(const struct rota_session *s, struct rota_span name,
	uint8_t tag[static ROTA_LISTED_TAG_LEN])
{
	uint8_t digest[ROTA_SHA256_LEN];

	rota_sha256_of(s->config.crypto, name, digest);
	memcpy(tag, digest, ROTA_LISTED_TAG_LEN);
}

static enum rota_err old_event(struct rota_session *s, const struct rota_tuf_event *e)
{
	struct rota_listed *l;

	if (e->kind != ROTA_TUF_META)
		return ROTA_OK;
	if (s->listed_count == s->config.limits->listed)
		return ROTA_ERR_LIMIT;
	l = &s->room.listed[s->listed_count++];
	listed_tag(s, e->id, l->tag);
	l->version = e->file.version;
	return ROTA_OK;
}

static void old_done(struct rota_session *s)
{
	rota_session_enter(s, ROTA_ST_SNAPSHOT);
}

/* Both files list names in the same order, so the entries of the old one are met one after the other. One
 * that is missing, or whose version went back, is never met, nor is any after it. */
static void lists(struct rota_session *s, const struct rota_tuf_event *e)
{
	uint8_t tag[ROTA_LISTED_TAG_LEN];
	const struct rota_listed *next = &s->room.listed[s->found.met];

	if (s->found.met == s->listed_count)
		return;
	listed_tag(s, e->id, tag);
	s->found.met += memcmp(tag, next->tag, ROTA_LISTED_TAG_LEN) == 0 &&
		e->file.version >= next->version;
}

static bool all_listed(const struct rota_session *s)
{
	return s->found.met == s->listed_count;
}

/* A timestamp or snapshot on disk may be damaged, and of an old snapshot that is not at hand any more there is
 * nothing to compare with. */
static bool missing(struct rota_session *s, enum rota_err err)
{
	if (s->state == OWN_TIMESTAMP)
		enter(s, OWN_SNAPSHOT);
	else if (s->state == OWN_SNAPSHOT)
		rota_root_next(s);
	else if (s->state == OWN_SNAPSHOT_OLD && err == ROTA_ERR_NOT_FOUND)
		rota_session_enter(s, ROTA_ST_SNAPSHOT);
	else
		return false;
	return true;
}

static const struct rota_step own[] = {
	[OWN_ROOT - ROTA_ST_OWN] = { .want = ROTA_WANT_FETCH,
		.role = ROTA_TOP_ROOT,
		.type = ROTA_TUF_ROOT,
		.by = ROTA_BY,
		.keep = ROTA_KEEPS_ALL,
		.fetch = ROTA_CLAUSE_TUF_5_2,
		.hash = ROTA_CLAUSE_TUF_5_2,
		.sigs = ROTA_CLAUSE_TUF_5_2,
		.then = root_done },
	[OWN_TIMESTAMP - ROTA_ST_OWN] = { .want = ROTA_WANT_FETCH,
		.role = ROTA_TOP_TIMESTAMP,
		.type = ROTA_TUF_TIMESTAMP,
		.by = ROTA_TOP_TIMESTAMP,
		.keep = ROTA_KEEPS_ALL,
		.fetch = ROTA_CLAUSE_TUF_5_4_1,
		.hash = ROTA_CLAUSE_TUF_5_4_1,
		.sigs = ROTA_CLAUSE_TUF_5_4_2,
		.event = rota_meta_event,
		.then = timestamp_done },
	[OWN_SNAPSHOT - ROTA_ST_OWN] = { .want = ROTA_WANT_FETCH,
		.role = ROTA_TOP_SNAPSHOT,
		.type = ROTA_TUF_SNAPSHOT,
		.by = ROTA_TOP_SNAPSHOT,
		.keep = ROTA_KEEPS_ALL,
		.fetch = ROTA_CLAUSE_TUF_5_5_1,
		.hash = ROTA_CLAUSE_TUF_5_5_1,
		.sigs = ROTA_CLAUSE_TUF_5_5_3,
		.then = snapshot_done },
	[OWN_SNAPSHOT_OLD - ROTA_ST_OWN] = { .want = ROTA_WANT_FETCH,
		.role = ROTA_TOP_SNAPSHOT,
		.type = ROTA_TUF_SNAPSHOT,
		.keep = ROTA_KEEPS_ALL,
		.fetch = ROTA_CLAUSE_TUF_5_5_5,
		.hash = ROTA_CLAUSE_TUF_5_5_5,
		.event = old_event,
		.then = old_done },
};

const struct rota_session_profile rota_session_letter = {
	.own = own,
	.describe = describe,
	.missing = missing,
	.loaded = root_loaded,
	.compares = compares,
	.lists = lists,
	.all_listed = all_listed,
};
