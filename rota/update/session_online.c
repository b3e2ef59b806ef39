/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamp and snapshot: TUF 5.4 and 5.5, in the order of the text. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

/* What timestamp or snapshot lists of the file that is looked for. */
enum rota_err rota_meta_event(struct rota_session *s, const struct rota_tuf_event *e)
{
	struct rota_span role = rota_session_role(s, s->step->role + 1u);

	if (e->kind != ROTA_TUF_META)
		return ROTA_OK;
	if (!rota_span_starts(e->id, role) ||
		!rota_span_is(rota_span(&e->id.p[role.len], e->id.len - role.len), ".json"))
		return ROTA_OK;
	s->found.meta = true;
	memcpy(&s->meta, &e->file, sizeof(e->file));
	return ROTA_OK;
}

/* ---- timestamp ---- */

static enum rota_err go_to_snapshot(struct rota_session *s)
{
	return rota_session_go(s, ROTA_ST_SNAPSHOT);
}

void rota_timestamp_take(struct rota_session *s)
{
	struct rota_trusted *t = &s->trusted;
	const struct rota_tuf_head *head = &s->tuf.head;

	t->timestamp_version = head->version;
	t->timestamp_expires_s = head->expires_s;
	t->timestamp_issued_s = head->issued_s;
	memcpy(&t->listed, &s->meta, sizeof(s->meta));
}

enum rota_err rota_timestamp_done(struct rota_session *s)
{
	struct rota_trusted *t = &s->trusted;
	const struct rota_tuf_head *head = &s->tuf.head;

	s->why.clause = ROTA_CLAUSE_SPEC_3;
	if (!s->found.meta)
		return rota_session_refuse(s, ROTA_ERR_FORMAT);
	s->why.clause = ROTA_CLAUSE_TUF_5_4_3_1;
	if (head->version < t->timestamp_version)
		return ROTA_ERR_VERSION;
	if (head->version == t->timestamp_version) {
		/* Nothing new: the trusted one stays and must still be good (TUF 5.4.3.1). */
		ROTA_TRY(rota_session_expiry(s, ROTA_CLAUSE_TUF_5_4_4, t->timestamp_expires_s));
		return go_to_snapshot(s);
	}
	s->why.clause = ROTA_CLAUSE_TUF_5_4_3_2;
	if (s->meta.version < t->listed.version)
		return ROTA_ERR_VERSION;
	ROTA_TRY(rota_session_expiry(s, ROTA_CLAUSE_TUF_5_4_4, head->expires_s));
	rota_timestamp_take(s);
	return rota_session_keep(s, go_to_snapshot);
}

/* ---- snapshot ---- */

enum rota_err rota_snapshot_done(struct rota_session *s)
{
	struct rota_trusted *t = &s->trusted;
	const struct rota_tuf_head *head = &s->tuf.head;

	s->why.clause = ROTA_CLAUSE_TUF_5_5_4;
	if (head->version != t->listed.version)
		return ROTA_ERR_VERSION;
	s->why.clause = ROTA_CLAUSE_TUF_5_5_5;
	if (!s->found.meta || s->found.met != s->listed_count)
		return ROTA_ERR_VERSION;
	ROTA_TRY(rota_session_expiry(s, ROTA_CLAUSE_TUF_5_5_6, head->expires_s));
	s->found.kept = memcmp(t->snapshot.sha256, s->digest, ROTA_SHA256_LEN) == 0;
	t->snapshot.version = head->version;
	memcpy(t->snapshot.sha256, s->digest, ROTA_SHA256_LEN);
	return rota_session_keep(s, rota_search_enter_role);
}
