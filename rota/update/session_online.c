/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamp and snapshot: TUF 5.4 and 5.5, in the order of the text. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

/* What timestamp or snapshot lists of the file that is looked for. */
enum rota_err rota_meta_event(struct rota_session *s, const struct rota_tuf_event *e)
{
	struct rota_span role = rota_search_name(s), file = e->id;

	if (e->kind != ROTA_TUF_META)
		return ROTA_OK;
	if (s->state == ROTA_ST_SNAPSHOT && s->config.profile->lists != NULL)
		s->config.profile->lists(s, e);
	if (s->role == ROTA_TOP_TIMESTAMP)
		role = ROTA_STR("snapshot");
	if (!rota_span_starts(file, role) ||
		!rota_span_eq(rota_span_skip(file, role.len), ROTA_STR(".json")))
		return ROTA_OK;
	s->found.meta = true;
	s->meta = e->file;
	return ROTA_OK;
}

/* ---- timestamp ---- */

static void go_to_snapshot(struct rota_session *s)
{
	rota_search_begin(s); /* so that the snapshot's first reading finds top-level targets */
	if (!rota_session_turns(s, ROTA_TURN_SNAPSHOT))
		rota_session_enter(s, ROTA_ST_SNAPSHOT);
}

/* The same version again: nothing new, the trusted one stays and must still be good (TUF 5.4.3.1). */
static void keep_old_timestamp(struct rota_session *s)
{
	(void)rota_session_turns(s, ROTA_TURN_TIME);
	if (rota_session_expired(s, s->trusted.timestamp_expires_s))
		rota_session_fail(s, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4);
	else
		go_to_snapshot(s);
}

void rota_timestamp_take(struct rota_session *s)
{
	struct rota_trusted *t = &s->trusted;
	const struct rota_tuf_head *head = &s->tuf.head;

	t->timestamp_version = head->version;
	t->timestamp_expires_s = head->expires_s;
	t->timestamp_issued_s = head->issued_s;
	t->listed = s->meta;
}

void rota_timestamp_done(struct rota_session *s)
{
	struct rota_trusted *t = &s->trusted;
	const struct rota_tuf_head *head = &s->tuf.head;

	if (!s->found.meta) {
		rota_session_refuse(s, ROTA_ERR_FORMAT, ROTA_CLAUSE_SPEC_3);
		return;
	}
	if (rota_session_turns(s, ROTA_TURN_TIMESTAMP_READ))
		return;
	if (head->version < t->timestamp_version) {
		rota_session_fail(s, ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_4_3_1);
		return;
	}
	if (head->version == t->timestamp_version) {
		keep_old_timestamp(s);
		return;
	}
	if (s->meta.version < t->listed.version) {
		rota_session_fail(s, ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_4_3_2);
		return;
	}
	if (rota_session_expired(s, head->expires_s)) {
		rota_session_fail(s, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4);
		return;
	}
	rota_timestamp_take(s);
	(void)rota_session_turns(s, ROTA_TURN_TIME);
	rota_session_enter(s, ROTA_ST_TIMESTAMP_KEEP);
}

void rota_timestamp_kept(struct rota_session *s)
{
	go_to_snapshot(s);
}

/* ---- snapshot ---- */

void rota_snapshot_done(struct rota_session *s)
{
	struct rota_trusted *t = &s->trusted;
	bool known = t->snapshot_version == s->tuf.head.version &&
		memcmp(t->snapshot_sha256, s->digest, ROTA_SHA256_LEN) == 0;

	if (s->tuf.head.version != t->listed.version) {
		rota_session_fail(s, ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_5_4);
		return;
	}
	if (!s->found.meta || s->found.met != s->listed_count) {
		rota_session_fail(s, ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_5_5);
		return;
	}
	if (rota_session_expired(s, s->tuf.head.expires_s)) {
		rota_session_fail(s, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_5_6);
		return;
	}
	t->snapshot_version = s->tuf.head.version;
	memcpy(t->snapshot_sha256, s->digest, ROTA_SHA256_LEN);
	if (known && !s->want.fresh)
		rota_search_enter_role(s);
	else
		rota_session_enter(s, ROTA_ST_SNAPSHOT_KEEP);
}
