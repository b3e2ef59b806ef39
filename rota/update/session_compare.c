/* SPDX-License-Identifier: Apache-2.0 */
/* TUF 5.5.5: all that the trusted snapshot lists is listed in the new one, in no older version. The trusted one is
 * read once more before the new one; of it a table of names' tags and versions stays. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

/* The same file need not be compared with itself. */
static bool compares(const struct rota_session *s)
{
	const struct rota_trusted *t = &s->trusted;

	if (t->snapshot.version == 0)
		return false;
	if (!t->listed.has_sha256)
		return t->listed.version != t->snapshot.version;
	return memcmp(t->listed.sha256, t->snapshot.sha256, ROTA_SHA256_LEN) != 0;
}

enum rota_err rota_compare_go(struct rota_session *s, enum rota_session_state state)
{
	return rota_session_enter(
		s, state == ROTA_ST_SNAPSHOT && compares(s) ? ROTA_ST_SNAPSHOT_OLD : state);
}

/* The trusted one fills the table. Both files list names in the same order, so of the new one the entries are met one
 * after the other. One that is missing, or whose version went back, is never met, nor is any after it. */
static enum rota_err lists(struct rota_session *s, const struct rota_tuf_event *e)
{
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_listed *l = &s->room.listed[s->found.met];

	/* Of the new one too: the next is compared with it. */
	if (s->found.listed++ == s->config.limits->listed)
		return ROTA_ERR_LIMIT;
	rota_floor_digest(s->config.crypto, digest, e->id);
	if (s->state == ROTA_ST_SNAPSHOT_OLD) {
		memcpy(l->tag, digest, ROTA_LISTED_TAG_LEN);
		l->version = e->file.version;
	} else if (s->found.met == s->listed_count ||
		memcmp(l->tag, digest, ROTA_LISTED_TAG_LEN) != 0 || e->file.version < l->version) {
		return ROTA_OK;
	}
	s->found.met++;
	return ROTA_OK;
}

enum rota_err rota_compare_event(struct rota_session *s, const struct rota_tuf_event *e)
{
	if (e->kind == ROTA_TUF_META)
		ROTA_TRY(lists(s, e));
	return rota_meta_event(s, e);
}

enum rota_err rota_compare_done(struct rota_session *s)
{
	s->listed_count = s->found.met;
	return rota_session_enter(s, ROTA_ST_SNAPSHOT);
}

/* Of an old snapshot that is not at hand any more there is nothing to compare with. To the letter it was at hand
 * a moment ago; elsewhere one that flash has damaged is none. One that is too long never is. */
enum rota_err rota_compare_relent(struct rota_session *s, enum rota_err err)
{
	bool none =
		err == ROTA_ERR_NOT_FOUND || (err != ROTA_ERR_LIMIT && !s->config.profile->letter);

	if (s->state != ROTA_ST_SNAPSHOT_OLD || !none)
		return err;
	return rota_session_enter(s, ROTA_ST_SNAPSHOT);
}
