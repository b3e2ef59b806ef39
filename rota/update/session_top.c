/* SPDX-License-Identifier: Apache-2.0 */
/* Root and timestamp: TUF 5.3 and 5.4, in the order of the text. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

uint64_t rota_no_listed_length(const struct rota_session *s)
{
	(void)s;
	return 0;
}

/* ---- whose signatures count ---- */

static enum rota_err take_role(struct rota_session *s, const struct rota_keyring *from,
	const uint32_t *thresholds, enum rota_top_role role)
{
	rota_keyring_clear(&s->by.keys);
	s->by.threshold = thresholds[role];
	for (size_t i = 0; i < from->count; i++) {
		if (((unsigned)from->key[i].marks >> role & 1u) != 0)
			ROTA_TRY(rota_keyring_copy(&s->by.keys, &from->key[i]));
	}
	return ROTA_OK;
}

enum rota_err rota_session_top_authority(struct rota_session *s, enum rota_top_role role)
{
	return take_role(s, &s->root_keys, s->root_threshold, role);
}

static void clear_file_keys(struct rota_session *s)
{
	rota_keyring_clear(&s->file_keys);
	memset(s->file_threshold, 0, sizeof(s->file_threshold));
	s->root_roles = 0;
}

enum rota_err rota_root_none_authority(struct rota_session *s)
{
	rota_keyring_clear(&s->by.keys);
	s->by.threshold = 0;
	clear_file_keys(s);
	return ROTA_OK;
}

enum rota_err rota_root_next_authority(struct rota_session *s)
{
	clear_file_keys(s);
	return rota_session_top_authority(s, ROTA_TOP_ROOT);
}

/* The keys that the candidate brings came out of its first reading; they are copied before the second
 * reading clears them. A third reading, after a second one that was damaged or misspelt, keeps that copy: what a
 * file with another digest brought along must not speak for the candidate. */
enum rota_err rota_root_self_authority(struct rota_session *s)
{
	enum rota_err err = ROTA_OK;

	if (!s->fresh && !s->again)
		err = take_role(s, &s->file_keys, s->file_threshold, ROTA_TOP_ROOT);
	clear_file_keys(s);
	return err;
}

enum rota_err rota_timestamp_authority(struct rota_session *s)
{
	return rota_session_top_authority(s, ROTA_TOP_TIMESTAMP);
}

/* ---- root: TUF 5.3 ---- */

void rota_root_load_describe(const struct rota_session *s, struct rota_want *out)
{
	out->role = ROTA_STR("root");
	out->version = s->trusted.root_version;
	out->sha256 = s->trusted.root_sha256;
	out->at_hand = !s->config.device; /* TUF 5.2: it came with the client */
}

void rota_root_next_describe(const struct rota_session *s, struct rota_want *out)
{
	out->role = ROTA_STR("root");
	out->version = s->trusted.root_version + 1;
}

void rota_root_self_describe(const struct rota_session *s, struct rota_want *out)
{
	rota_root_next_describe(s, out);
	out->sha256 = s->candidate_sha256;
}

int rota_session_top_role(struct rota_span name)
{
	static const char *const names[] = {
		[ROTA_TOP_ROOT] = "root",
		[ROTA_TOP_TIMESTAMP] = "timestamp",
		[ROTA_TOP_SNAPSHOT] = "snapshot",
		[ROTA_TOP_TARGETS] = "targets",
	};

	for (int r = 0; r < 4; r++) {
		if (rota_span_eq(name, rota_span_cstr(names[r])))
			return r;
	}
	return -1;
}

#define MARK_CURRENT 0x80u /* keys of the role being read, until its name and threshold are known */
#define ALL_TOP_ROLES 0x0Fu

static void end_role(struct rota_session *s, int role)
{
	for (size_t i = 0; i < s->file_keys.count; i++) {
		struct rota_key *key = &s->file_keys.key[i];

		if (role >= 0 && (key->marks & MARK_CURRENT) != 0)
			key->marks = (uint8_t)(key->marks | 1u << role);
		key->marks &= (uint8_t)~MARK_CURRENT;
	}
}

enum rota_err rota_root_event(struct rota_session *s, const struct rota_tuf_event *e)
{
	struct rota_key *key;
	int role;

	if (e->kind == ROTA_TUF_KEY)
		return rota_keyring_add(&s->file_keys, s->config.crypto, e);
	if (e->kind == ROTA_TUF_ROLE_KEYID) {
		key = rota_keyring_find(&s->file_keys, s->config.crypto, e->id);
		if (key != NULL)
			key->marks |= MARK_CURRENT;
		return ROTA_OK;
	}
	if (e->kind != ROTA_TUF_ROLE)
		return ROTA_OK;
	role = rota_session_top_role(e->id);
	end_role(s, role);
	if (role >= 0) {
		s->file_threshold[role] = e->threshold;
		s->root_roles = (uint8_t)(s->root_roles | 1u << role);
	}
	return ROTA_OK;
}

/* Whether every key of `role` in `a` stands in that role in `b` too. */
static bool role_within(
	const struct rota_keyring *a, const struct rota_keyring *b, enum rota_top_role role)
{
	for (size_t i = 0; i < a->count; i++) {
		bool found = ((unsigned)a->key[i].marks >> role & 1u) == 0;

		for (size_t k = 0; !found && k < b->count; k++)
			found = ((unsigned)b->key[k].marks >> role & 1u) != 0 &&
				rota_key_same(&a->key[i], &b->key[k]);
		if (!found)
			return false;
	}
	return true;
}

static bool rotated(const struct rota_session *s, enum rota_top_role role)
{
	return !role_within(&s->root_keys, &s->file_keys, role) ||
		!role_within(&s->file_keys, &s->root_keys, role);
}

/* The root just read becomes the one that everything below is checked against. */
static void adopt_root(struct rota_session *s)
{
	struct rota_keyring old = s->root_keys;

	s->root_keys = s->file_keys;
	s->file_keys = old;
	memcpy(s->root_threshold, s->file_threshold, sizeof(s->root_threshold));
	s->root_expires_s = s->tuf.head.expires_s;
	s->consistent = s->tuf.head.consistent_snapshot; /* TUF 5.3.12 */
}

void rota_root_load_done(struct rota_session *s)
{
	if (s->root_roles != ALL_TOP_ROLES || s->tuf.head.version != s->trusted.root_version) {
		rota_session_fail(s, ROTA_ERR_CORRUPT, ROTA_CLAUSE_TUF_5_2);
		return;
	}
	adopt_root(s);
	rota_session_enter(s, s->config.device ? ROTA_ST_ROOT_NEXT : ROTA_ST_ROOT_OWN);
}

void rota_root_next_done(struct rota_session *s)
{
	if (s->tuf.head.version != s->trusted.root_version + 1) { /* TUF 5.3.5 */
		rota_session_fail(s, ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_3_5);
		return;
	}
	if (s->root_roles != ALL_TOP_ROLES) {
		rota_session_fail(s, ROTA_ERR_FORMAT, ROTA_CLAUSE_SPEC_3);
		return;
	}
	memcpy(s->candidate_sha256, s->digest, ROTA_SHA256_LEN);
	rota_session_enter(s, ROTA_ST_ROOT_SELF);
}

void rota_root_self_done(struct rota_session *s)
{
	struct rota_trusted *t = &s->trusted;
	bool online_rotated = rotated(s, ROTA_TOP_TIMESTAMP) || rotated(s, ROTA_TOP_SNAPSHOT);

	adopt_root(s);
	t->root_version = s->tuf.head.version;
	memcpy(t->root_sha256, s->digest, ROTA_SHA256_LEN);
	if (s->config.device && s->tuf.head.not_before_s != 0)
		t->time_floor_s = s->tuf.head.not_before_s; /* SPEC 5.2 */
	if (online_rotated) { /* TUF 5.3.11: fast-forward recovery; floors stay (SPEC 4.3) */
		t->timestamp_version = 0;
		t->timestamp_expires_s = 0;
		t->timestamp_issued_s = 0;
		t->listed_version = 0;
		t->listed_length = 0;
		t->listed_has_sha256 = false;
		t->snapshot_version = 0;
	}
	rota_session_set_now(s);
	rota_session_enter(s, ROTA_ST_ROOT_KEEP);
}

/* The walk ends here: the newest root must be good now (TUF 5.3.10). */
static void end_walk(struct rota_session *s)
{
	if (s->root_expires_s <= s->now_s)
		rota_session_fail(s, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_3_10);
	else
		rota_session_enter(s, ROTA_ST_TIMESTAMP);
}

void rota_root_kept(struct rota_session *s)
{
	uint32_t max = s->config.limits->roots;

	if (++s->root_updates < (max != 0 ? max : ROTA_ROOT_UPDATES_MAX)) /* TUF 5.3.3 */
		rota_session_enter(s, ROTA_ST_ROOT_NEXT);
	else
		end_walk(s);
}

void rota_root_next_missing(struct rota_session *s)
{
	end_walk(s);
}

/* ---- timestamp: TUF 5.4 ---- */

void rota_timestamp_describe(const struct rota_session *s, struct rota_want *out)
{
	(void)s;
	out->role = ROTA_STR("timestamp");
}

/* What timestamp or snapshot lists of the file that is looked for. */
enum rota_err rota_meta_event(struct rota_session *s, const struct rota_tuf_event *e)
{
	struct rota_span file = e->id;

	if (e->kind != ROTA_TUF_META || file.len < 5)
		return ROTA_OK;
	if (!rota_span_eq(rota_span_skip(file, file.len - 5), ROTA_STR(".json")))
		return ROTA_OK;
	file.len -= 5;
	if (s->tuf.type == ROTA_TUF_TIMESTAMP) {
		if (!rota_span_eq(file, ROTA_STR("snapshot")))
			return ROTA_OK;
	} else if (!rota_span_eq(file, rota_span(s->role_name, s->role_name_len))) {
		return ROTA_OK;
	}
	s->meta_found = true;
	s->meta = e->file;
	return ROTA_OK;
}

/* Whether there is a trusted snapshot for the next one to be held against (TUF 5.5.5). The device profile has
 * floors instead, and the same file need not be compared with itself. */
static bool compares(const struct rota_session *s)
{
	const struct rota_trusted *t = &s->trusted;

	if (s->config.device || t->snapshot_version == 0)
		return false;
	if (t->listed_has_sha256)
		return memcmp(t->listed_sha256, t->snapshot_sha256, ROTA_SHA256_LEN) != 0;
	return t->listed_version != t->snapshot_version;
}

static void go_to_snapshot(struct rota_session *s)
{
	rota_search_begin(s); /* so that the snapshot's first reading finds top-level targets */
	s->listed_count = 0;
	rota_session_enter(s, compares(s) ? ROTA_ST_SNAPSHOT_OLD : ROTA_ST_SNAPSHOT);
}

/* The same version again: nothing new, the trusted one stays and must still be good (TUF 5.4.3.1). */
static void keep_old_timestamp(struct rota_session *s)
{
	rota_session_set_now(s);
	if (s->trusted.timestamp_expires_s <= s->now_s)
		rota_session_fail(s, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4);
	else
		go_to_snapshot(s);
}

void rota_timestamp_take(struct rota_session *s)
{
	struct rota_trusted *t = &s->trusted;

	t->timestamp_version = s->tuf.head.version;
	t->timestamp_expires_s = s->tuf.head.expires_s;
	t->timestamp_issued_s = s->tuf.head.issued_s;
	t->listed_version = s->meta.version;
	t->listed_length = s->meta.length;
	t->listed_has_sha256 = s->meta.has_sha256;
	memcpy(t->listed_sha256, s->meta.sha256, ROTA_SHA256_LEN);
}

void rota_timestamp_done(struct rota_session *s)
{
	struct rota_trusted *t = &s->trusted;
	const struct rota_tuf_head *head = &s->tuf.head;

	if (!s->meta_found) {
		rota_session_fail(s, ROTA_ERR_FORMAT, ROTA_CLAUSE_SPEC_3);
		return;
	}
	if (head->version < t->timestamp_version) {
		rota_session_fail(s, ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_4_3_1);
		return;
	}
	if (head->version == t->timestamp_version) {
		keep_old_timestamp(s);
		return;
	}
	if (s->meta.version < t->listed_version) {
		rota_session_fail(s, ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_4_3_2);
		return;
	}
	if (head->expires_s <= s->now_s) {
		rota_session_fail(s, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4);
		return;
	}
	rota_timestamp_take(s);
	rota_session_set_now(s);
	rota_session_enter(s, ROTA_ST_TIMESTAMP_KEEP);
}

void rota_timestamp_kept(struct rota_session *s)
{
	go_to_snapshot(s);
}
