/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/update/session_parts.h"

const struct rota_step rota_session_steps[ROTA_ST_COUNT] = {
	[ROTA_ST_ROOT_LOAD] = { .name = "root-load",
		.want = ROTA_WANT_FETCH,
		.type = ROTA_TUF_ROOT,
		.max_len = ROTA_ROOT_MAX_LEN,
		.fetch = ROTA_CLAUSE_TUF_5_2,
		.hash = ROTA_CLAUSE_TUF_5_2,
		.sigs = ROTA_CLAUSE_NONE,
		.describe = rota_root_load_describe,
		.listed_length = rota_no_listed_length,
		.authority = rota_root_none_authority,
		.event = rota_root_event,
		.done = rota_root_load_done },
	[ROTA_ST_ROOT_NEXT] = { .name = "root-next",
		.want = ROTA_WANT_FETCH,
		.type = ROTA_TUF_ROOT,
		.max_len = ROTA_ROOT_MAX_LEN,
		.fetch = ROTA_CLAUSE_TUF_5_3_2,
		.hash = ROTA_CLAUSE_TUF_5_3_2,
		.sigs = ROTA_CLAUSE_TUF_5_3_4,
		.describe = rota_root_next_describe,
		.listed_length = rota_no_listed_length,
		.authority = rota_root_next_authority,
		.event = rota_root_event,
		.done = rota_root_next_done,
		.missing = rota_root_next_missing },
	[ROTA_ST_ROOT_SELF] = { .name = "root-self",
		.want = ROTA_WANT_FETCH,
		.type = ROTA_TUF_ROOT,
		.max_len = ROTA_ROOT_MAX_LEN,
		.fetch = ROTA_CLAUSE_TUF_5_3_2,
		.hash = ROTA_CLAUSE_TUF_5_3_4,
		.sigs = ROTA_CLAUSE_TUF_5_3_4,
		.describe = rota_root_self_describe,
		.listed_length = rota_no_listed_length,
		.authority = rota_root_self_authority,
		.event = rota_root_event,
		.done = rota_root_self_done },
	[ROTA_ST_ROOT_KEEP] = { .name = "root-keep",
		.want = ROTA_WANT_KEEP,
		.kept = rota_root_kept },
	[ROTA_ST_TIMESTAMP] = { .name = "timestamp",
		.want = ROTA_WANT_FETCH,
		.type = ROTA_TUF_TIMESTAMP,
		.max_len = ROTA_TIMESTAMP_MAX_LEN,
		.fetch = ROTA_CLAUSE_TUF_5_4_1,
		.hash = ROTA_CLAUSE_TUF_5_4_1,
		.sigs = ROTA_CLAUSE_TUF_5_4_2,
		.describe = rota_timestamp_describe,
		.listed_length = rota_no_listed_length,
		.authority = rota_timestamp_authority,
		.event = rota_meta_event,
		.done = rota_timestamp_done },
	[ROTA_ST_TIMESTAMP_KEEP] = { .name = "timestamp-keep",
		.want = ROTA_WANT_KEEP,
		.kept = rota_timestamp_kept },
	[ROTA_ST_SNAPSHOT_OLD] = { .name = "snapshot-old",
		.want = ROTA_WANT_FETCH,
		.type = ROTA_TUF_SNAPSHOT,
		.max_len = ROTA_META_MAX_LEN,
		.fetch = ROTA_CLAUSE_TUF_5_5_5,
		.hash = ROTA_CLAUSE_TUF_5_5_5,
		.sigs = ROTA_CLAUSE_NONE,
		.describe = rota_snapshot_old_describe,
		.listed_length = rota_no_listed_length,
		.authority = rota_root_none_authority,
		.event = rota_snapshot_old_event,
		.done = rota_snapshot_old_done,
		.missing = rota_snapshot_old_done },
	[ROTA_ST_SNAPSHOT] = { .name = "snapshot",
		.want = ROTA_WANT_FETCH,
		.type = ROTA_TUF_SNAPSHOT,
		.max_len = ROTA_META_MAX_LEN,
		.fetch = ROTA_CLAUSE_TUF_5_5_1,
		.hash = ROTA_CLAUSE_TUF_5_5_2,
		.sigs = ROTA_CLAUSE_TUF_5_5_3,
		.describe = rota_snapshot_describe,
		.listed_length = rota_snapshot_listed_length,
		.authority = rota_snapshot_authority,
		.event = rota_snapshot_event,
		.done = rota_snapshot_done },
	[ROTA_ST_SNAPSHOT_KEEP] = { .name = "snapshot-keep",
		.want = ROTA_WANT_KEEP,
		.kept = rota_snapshot_kept },
	[ROTA_ST_META] = { .name = "meta",
		.want = ROTA_WANT_FETCH,
		.type = ROTA_TUF_SNAPSHOT,
		.max_len = ROTA_META_MAX_LEN,
		.fetch = ROTA_CLAUSE_TUF_5_5_1,
		.hash = ROTA_CLAUSE_TUF_5_5_2,
		.sigs = ROTA_CLAUSE_NONE,
		.describe = rota_search_meta_describe,
		.listed_length = rota_snapshot_listed_length,
		.authority = rota_root_none_authority,
		.event = rota_meta_event,
		.done = rota_search_meta_done },
	[ROTA_ST_ROLE] = { .name = "role",
		.want = ROTA_WANT_FETCH,
		.type = ROTA_TUF_TARGETS,
		.max_len = ROTA_META_MAX_LEN,
		.fetch = ROTA_CLAUSE_TUF_5_6_1,
		.hash = ROTA_CLAUSE_TUF_5_6_2,
		.sigs = ROTA_CLAUSE_TUF_5_6_3,
		.describe = rota_search_role_describe,
		.listed_length = rota_search_listed_length,
		.authority = rota_search_role_authority,
		.event = rota_search_event,
		.done = rota_search_role_done },
	[ROTA_ST_ROLE_KEEP] = { .name = "role-keep",
		.want = ROTA_WANT_KEEP,
		.kept = rota_search_role_kept },
	[ROTA_ST_READY] = { .name = "ready", .want = ROTA_WANT_NOTHING },
	[ROTA_ST_FOUND] = { .name = "found", .want = ROTA_WANT_FOUND },
	[ROTA_ST_FAILED] = { .name = "failed", .want = ROTA_WANT_FAILED },
};

struct rota_span rota_session_role(const struct rota_session *s)
{
	switch ((enum rota_session_state)(s->state == ROTA_ST_FAILED ? s->failed_in : s->state)) {
	case ROTA_ST_ROOT_LOAD:
	case ROTA_ST_ROOT_NEXT:
	case ROTA_ST_ROOT_SELF:
	case ROTA_ST_ROOT_KEEP:
		return ROTA_STR("root");
	case ROTA_ST_TIMESTAMP:
	case ROTA_ST_TIMESTAMP_KEEP:
		return ROTA_STR("timestamp");
	case ROTA_ST_SNAPSHOT_OLD:
	case ROTA_ST_SNAPSHOT:
	case ROTA_ST_SNAPSHOT_KEEP:
	case ROTA_ST_META:
		return ROTA_STR("snapshot");
	case ROTA_ST_ROLE:
	case ROTA_ST_ROLE_KEEP:
	case ROTA_ST_READY:
	case ROTA_ST_FOUND:
	case ROTA_ST_FAILED:
	case ROTA_ST_COUNT:
	default:
		return rota_span(s->role_name, s->role_name_len);
	}
}
