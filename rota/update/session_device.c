/* SPDX-License-Identifier: Apache-2.0 */
/* The device profile, and what only it reads: the hint (SPEC 4.6), {"changed":[versions],"newest":N,"version":1}, signed by nobody. It names the root to read
 * next, which must pass as any other; a wrong one costs a request. */
#include "rota/update/session_parts.h"

/* `changed` comes before `newest`, and rises. */
static enum rota_err on_token(void *ctx, struct rota_json *j, const struct rota_json_token *t)
{
	struct rota_session *s = ctx;
	struct rota_span name = rota_json_name(j, 0);
	uint64_t value = (uint64_t)t->integer;

	if (t->kind != ROTA_JSON_INTEGER)
		return ROTA_OK;
	if (rota_span_eq(name, ROTA_STR("version")))
		return value == 1 ? ROTA_OK : ROTA_ERR_UNSUPPORTED;
	if (s->skip_to == 0 && t->integer > 0 && value > s->root.version)
		s->skip_to = value;
	return ROTA_OK;
}

void rota_hint_begin(struct rota_session *s)
{
	s->skip_to = 0;
	rota_json_init(&s->tuf.json, &(struct rota_json_sink){ .ctx = s, .token = on_token },
		s->room.text.names, s->room.text.value);
}

const struct rota_session_profile rota_session_device = { .device = true };
