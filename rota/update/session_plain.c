/* SPDX-License-Identifier: Apache-2.0 */
/* The plain profile: the specification and, of all that the others have beside it, nothing. */
#include "rota/update/session_parts.h"

static const struct rota_step *const own[] = { &rota_compare_step };

const struct rota_session_profile rota_session_plain = {
	.own = own,
	.describe = rota_compare_describe,
	.turns = rota_compare_turn,
	.relents = rota_compare_relent,
	.lists = rota_compare_lists,
};
