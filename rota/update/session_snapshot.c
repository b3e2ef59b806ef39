/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshot: TUF 5.5. To the letter the trusted snapshot is read once more before the new one, and the new one
 * must list all that it lists; the device profile has floors (SPEC 4.3) instead. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

enum rota_err rota_snapshot_authority(struct rota_session *s)
{
	s->listed_met = 0;
	return rota_session_top_authority(s, ROTA_TOP_SNAPSHOT);
}

void rota_snapshot_old_describe(const struct rota_session *s, struct rota_want *out)
{
	out->role = ROTA_STR("snapshot");
	out->version = s->consistent ? s->trusted.snapshot_version : 0;
	out->sha256 = s->trusted.snapshot_sha256;
	out->at_hand = true;
}

static void listed_tag(const struct rota_session *s, struct rota_span name,
	uint8_t tag[static ROTA_LISTED_TAG_LEN])
{
	uint8_t digest[ROTA_SHA256_LEN];

	rota_sha256_of(s->config.crypto, name, digest);
	memcpy(tag, digest, ROTA_LISTED_TAG_LEN);
}

enum rota_err rota_snapshot_old_event(struct rota_session *s, const struct rota_tuf_event *e)
{
	struct rota_listed *l;

	if (e->kind != ROTA_TUF_META)
		return ROTA_OK;
	if (s->listed_count == s->config.limits->listed)
		return ROTA_ERR_LIMIT;
	l = &s->listed[s->listed_count++];
	listed_tag(s, e->id, l->tag);
	l->version = e->file.version;
	return ROTA_OK;
}

/* Also where it is not at hand any more: then there is nothing to compare with. */
void rota_snapshot_old_done(struct rota_session *s)
{
	rota_session_enter(s, ROTA_ST_SNAPSHOT);
}

/* Both files list names in the same order, so the entries of the old one are met one after the other. One
 * that is missing, or whose version went back, is never met, nor is any after it. */
enum rota_err rota_snapshot_event(struct rota_session *s, const struct rota_tuf_event *e)
{
	uint8_t tag[ROTA_LISTED_TAG_LEN];

	if (e->kind == ROTA_TUF_META && s->listed_met < s->listed_count) {
		const struct rota_listed *next = &s->listed[s->listed_met];

		listed_tag(s, e->id, tag);
		s->listed_met += memcmp(tag, next->tag, ROTA_LISTED_TAG_LEN) == 0 &&
			e->file.version >= next->version;
	}
	return rota_meta_event(s, e);
}

void rota_snapshot_describe(const struct rota_session *s, struct rota_want *out)
{
	const struct rota_trusted *t = &s->trusted;

	out->role = ROTA_STR("snapshot");
	out->version = s->consistent ? t->listed_version : 0;
	if (t->listed_has_sha256)
		out->sha256 = t->listed_sha256;
	else if (t->snapshot_version == t->listed_version)
		out->sha256 = t->snapshot_sha256;
}

uint64_t rota_snapshot_listed_length(const struct rota_session *s)
{
	return s->trusted.listed_length;
}

void rota_snapshot_done(struct rota_session *s)
{
	struct rota_trusted *t = &s->trusted;
	bool known = t->snapshot_version == s->tuf.head.version &&
		memcmp(t->snapshot_sha256, s->digest, ROTA_SHA256_LEN) == 0;

	if (s->tuf.head.version != t->listed_version) {
		rota_session_fail(s, ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_5_4);
		return;
	}
	if (!s->meta_found || s->listed_met != s->listed_count) {
		rota_session_fail(s, ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_5_5);
		return;
	}
	if (s->tuf.head.expires_s <= s->now_s) {
		rota_session_fail(s, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_5_6);
		return;
	}
	t->snapshot_version = s->tuf.head.version;
	memcpy(t->snapshot_sha256, s->digest, ROTA_SHA256_LEN);
	if (known && !s->fresh)
		rota_session_enter(s, ROTA_ST_ROLE);
	else
		rota_session_enter(s, ROTA_ST_SNAPSHOT_KEEP);
}

void rota_snapshot_kept(struct rota_session *s)
{
	rota_session_enter(s, ROTA_ST_ROLE);
}
