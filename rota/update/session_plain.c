/* SPDX-License-Identifier: Apache-2.0 */
/* The plain profile: the specification and, of all that the others have beside it, nothing. */
#include "rota/update/session_steps.h"

static const struct rota_step steps[] = {
	[ROTA_ST_ROOT_LOAD] = { ROTA_STEP_ROOT_LOAD, .then = rota_root_load_done },
	[ROTA_ST_ROOT_NEXT] = { ROTA_STEP_ROOT_NEXT, .then = rota_root_next_done },
	[ROTA_ST_ROOT_SELF] = { ROTA_STEP_ROOT_SELF, .then = rota_root_self_done },
	[ROTA_ST_TIMESTAMP] = { ROTA_STEP_TIMESTAMP, .then = rota_timestamp_done },
	[ROTA_ST_SNAPSHOT] = { ROTA_STEP_SNAPSHOT, .event = rota_compare_event,
		.then = rota_snapshot_done },
	[ROTA_ST_META] = { ROTA_STEP_META, .then = rota_search_meta_done },
	[ROTA_ST_ROLE] = { ROTA_STEP_ROLE, .event = rota_role_event },
	[ROTA_ST_SNAPSHOT_OLD] = { ROTA_STEP_SNAPSHOT_OLD },
};

const struct rota_session_profile rota_session_plain = {
	.clock = true,
	.steps = steps,
	.goes = rota_compare_go,
	.relents = rota_compare_relent,
};
