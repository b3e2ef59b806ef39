/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/update/session_parts.h"

#define KEEPS_HELD (1u << ROTA_TOP_TARGETS | ROTA_MARK_BY | ROTA_MARK_HELD)

const struct rota_step rota_session_steps[ROTA_ST_OWN] = {
	[ROTA_ST_ROOT_LOAD] = { .role = ROTA_TOP_ROOT,
		.type = ROTA_TUF_ROOT,
		.keep = ROTA_MARK_BY,
		.fetch = ROTA_CLAUSE_TUF_5_2,
		.hash = ROTA_CLAUSE_TUF_5_2,
		.event = rota_root_event,
		.then = rota_root_load_done },
	[ROTA_ST_ROOT_NEXT] = { .role = ROTA_TOP_ROOT,
		.type = ROTA_TUF_ROOT,
		.by = ROTA_BY,
		.keep = ROTA_MARK_BY,
		.fetch = ROTA_CLAUSE_TUF_5_3_2,
		.hash = ROTA_CLAUSE_TUF_5_3_2,
		.sigs = ROTA_CLAUSE_TUF_5_3_4,
		.event = rota_root_event,
		.then = rota_root_next_done },
	/* What the candidate says came out of its first reading; a second one, of the same digest, says the same,
	 * so nothing of it is heard, whatever it is. */
	[ROTA_ST_ROOT_SELF] = { .role = ROTA_TOP_ROOT,
		.type = ROTA_TUF_ROOT,
		.by = ROTA_TOP_ROOT,
		.keep = ROTA_KEEPS_ALL,
		.fetch = ROTA_CLAUSE_TUF_5_3_2,
		.hash = ROTA_CLAUSE_TUF_5_3_4,
		.sigs = ROTA_CLAUSE_TUF_5_3_4,
		.then = rota_root_self_done },
	[ROTA_ST_TIMESTAMP] = { .role = ROTA_TOP_TIMESTAMP,
		.type = ROTA_TUF_TIMESTAMP,
		.by = ROTA_TOP_TIMESTAMP,
		.keep = ROTA_KEEPS_ALL,
		.fetch = ROTA_CLAUSE_TUF_5_4_1,
		.hash = ROTA_CLAUSE_TUF_5_4_1,
		.sigs = ROTA_CLAUSE_TUF_5_4_2,
		.event = rota_meta_event,
		.then = rota_timestamp_done },
	[ROTA_ST_SNAPSHOT] = { .role = ROTA_TOP_SNAPSHOT,
		.type = ROTA_TUF_SNAPSHOT,
		.by = ROTA_TOP_SNAPSHOT,
		.keep = ROTA_KEEPS_ALL,
		.fetch = ROTA_CLAUSE_TUF_5_5_1,
		.hash = ROTA_CLAUSE_TUF_5_5_2,
		.sigs = ROTA_CLAUSE_TUF_5_5_3,
		.event = rota_meta_event,
		.then = rota_snapshot_done },
	[ROTA_ST_META] = { .role = ROTA_TOP_SNAPSHOT,
		.type = ROTA_TUF_SNAPSHOT,
		.keep = ROTA_KEEPS_ALL,
		.fetch = ROTA_CLAUSE_TUF_5_5_1,
		.hash = ROTA_CLAUSE_TUF_5_5_2,
		.event = rota_meta_event,
		.then = rota_search_meta_done },
	[ROTA_ST_ROLE] = { .role = ROTA_VISITED,
		.type = ROTA_TUF_TARGETS,
		.by = ROTA_BY,
		.keep = KEEPS_HELD,
		.fetch = ROTA_CLAUSE_TUF_5_6_1,
		.hash = ROTA_CLAUSE_TUF_5_6_2,
		.sigs = ROTA_CLAUSE_TUF_5_6_3,
		.event = rota_role_event,
		.then = rota_role_done },
};

static const char *const names[] = {
	[ROTA_TOP_ROOT] = "root",
	[ROTA_TOP_TIMESTAMP] = "timestamp",
	[ROTA_TOP_SNAPSHOT] = "snapshot",
	[ROTA_TOP_TARGETS] = "targets",
	[ROTA_HINT] = "root-hint",
};

int rota_session_top_role(struct rota_span name)
{
	for (int r = ROTA_TOP_ROOT; r <= ROTA_TOP_TARGETS; r++) {
		if (rota_span_is(name, names[r]))
			return r;
	}
	return -1;
}

struct rota_span rota_session_role(const struct rota_session *s)
{
	return s->role == ROTA_VISITED ? rota_search_name(s) : rota_span_cstr(names[s->role]);
}
