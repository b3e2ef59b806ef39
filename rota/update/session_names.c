/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/update/session_parts.h"

int rota_session_top_role(struct rota_span name)
{
	for (int r = ROTA_TOP_ROOT; r <= ROTA_TOP_TARGETS; r++) {
		if (rota_span_is(name, rota_tuf_types[r]))
			return r;
	}
	return -1;
}

struct rota_span rota_session_role(const struct rota_session *s, unsigned role)
{
	return role >= ROTA_VISITED ? rota_search_name(s) : rota_span_cstr(rota_tuf_types[role]);
}
