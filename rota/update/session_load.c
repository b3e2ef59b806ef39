/* SPDX-License-Identifier: Apache-2.0 */
/* What lies on disk, to the letter of the specification: TUF 5.2, and the trusted metadata of 5.4.3 and 5.5.5.
 *
 * A device has a journal that says which files are trusted. A plain client has the files alone, and a disk may
 * damage them, so they count only after they have passed their signatures anew: root by its own keys, timestamp
 * and snapshot by root's. A timestamp or snapshot that does not pass is as good as none, since the next one
 * replaces it; a root that does not is an error. One that has expired counts: rollback is held against it. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

void rota_root_own_done(struct rota_session *s)
{
	rota_session_enter(s, ROTA_ST_TIMESTAMP_LOAD);
}

void rota_timestamp_load_describe(const struct rota_session *s, struct rota_want *out)
{
	(void)s;
	out->role = ROTA_STR("timestamp");
	out->at_hand = true;
}

void rota_timestamp_load_done(struct rota_session *s)
{
	if (s->meta_found)
		rota_timestamp_take(s);
	rota_session_set_now(s);
	rota_session_enter(s, ROTA_ST_SNAPSHOT_LOAD);
}

void rota_timestamp_load_missing(struct rota_session *s)
{
	rota_session_enter(s, ROTA_ST_SNAPSHOT_LOAD);
}

void rota_snapshot_load_describe(const struct rota_session *s, struct rota_want *out)
{
	(void)s;
	out->role = ROTA_STR("snapshot");
	out->at_hand = true;
}

enum rota_err rota_snapshot_load_event(struct rota_session *s, const struct rota_tuf_event *e)
{
	(void)s;
	(void)e;
	return ROTA_OK;
}

void rota_snapshot_load_done(struct rota_session *s)
{
	s->trusted.snapshot_version = s->tuf.head.version;
	memcpy(s->trusted.snapshot_sha256, s->digest, ROTA_SHA256_LEN);
	rota_session_enter(s, ROTA_ST_ROOT_NEXT);
}

void rota_snapshot_load_missing(struct rota_session *s)
{
	rota_session_enter(s, ROTA_ST_ROOT_NEXT);
}
