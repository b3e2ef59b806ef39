/* SPDX-License-Identifier: Apache-2.0 */
/* A role that is bound to what is looked for (SPEC 4.4), and hashed bins (TAP 15). Neither is the specification's: a
 * plain session has none of both. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

enum rota_err rota_session_find_in(
	struct rota_session *s, struct rota_span role, struct rota_span path)
{
	if (role.len != 0 && s->config.profile->steps[ROTA_ST_ROLE].event == rota_role_event)
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(rota_session_find(s, path));
	s->want_role = role;
	return ROTA_OK;
}

enum rota_err rota_session_pass_over(struct rota_session *s)
{
	if (s->want.kind != ROTA_WANT_FAILED || s->why.err != ROTA_ERR_NOT_FOUND ||
		(s->why.clause != ROTA_CLAUSE_SPEC_4_4 && s->why.clause != ROTA_CLAUSE_TUF_5_6_7))
		return ROTA_ERR_STATE;
	s->why = (struct rota_why){ .err = ROTA_OK, .clause = ROTA_CLAUSE_NONE };
	s->want.kind = ROTA_WANT_NOTHING;
	return ROTA_OK;
}

/* Top-level targets are being visited. */
static bool at_top(const struct rota_session *s)
{
	return s->pending->len == 0;
}

/* Whether a delegation or target counts: any does, where no role was asked for. Else only top-level targets may lead to
 * the role asked for, and only to it; what counts is listed below them. */
static bool binds(const struct rota_session *s, const struct rota_tuf_event *e)
{
	if (s->want_role.len == 0)
		return true;
	if (e->kind == ROTA_TUF_TARGET)
		return !at_top(s);
	return at_top(s) && rota_span_eq(e->id, s->want_role);
}

/* Whether the role being visited is a bin of the role asked for: only that role leads to one (own_bins). */
bool rota_role_in_bin(const struct rota_session *s)
{
	return s->want_role.len != 0 && !at_top(s) &&
		!rota_span_eq(rota_search_name(s), s->want_role);
}

/* With a role asked for, bins are followed from its own file only, and under its own name (SPEC 4.4). */
static bool own_bins(const struct rota_session *s, struct rota_span prefix)
{
	if (s->want_role.len == 0)
		return true;
	return !at_top(s) && !rota_role_in_bin(s) && rota_span_eq(prefix, s->want_role);
}

/* TAP 15: the first bits of the path's SHA-256 name the one bin that may list it, in hex behind the prefix. */
static enum rota_err name_bin(const struct rota_session *s, const struct rota_tuf_event *e,
	uint8_t name[static ROTA_ROLE_NAME_MAX], size_t *name_len)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[ROTA_SHA256_LEN];
	size_t len = e->id.len, count = (e->bits + 3u) / 4;
	uint32_t bin = 0;

	if (len + 1 + count > ROTA_ROLE_NAME_MAX)
		return ROTA_ERR_LIMIT;
	rota_floor_digest(s->config.crypto, digest, s->want_path);
	for (size_t i = 0; i < 4; i++)
		bin = bin << 8 | digest[i];
	bin >>= 32 - e->bits;
	memcpy(name, e->id.p, len);
	name[len++] = '-';
	while (count-- > 0)
		name[len++] = (uint8_t)digits[bin >> 4 * count & 15];
	*name_len = len;
	return ROTA_OK;
}

/* That bin is a delegation that covers the path. Nothing else may list it, so it is terminating. */
static enum rota_err follow_bin(struct rota_session *s, const struct rota_tuf_event *e)
{
	uint8_t name[ROTA_ROLE_NAME_MAX];
	struct rota_tuf_event bin = *e;
	size_t len = 0;

	bin.kind = ROTA_TUF_DELEGATION;
	bin.terminating = true;
	if (own_bins(s, e->id)) {
		ROTA_TRY(name_bin(s, e, name, &len));
		bin.id = rota_span(name, len);
		s->found.path_match = true;
	}
	return rota_role_event(s, &bin);
}

enum rota_err rota_bind_event(struct rota_session *s, const struct rota_tuf_event *e)
{
	if (e->kind == ROTA_TUF_BINS && s->want_path.len != 0)
		return follow_bin(s, e);
	if (e->kind == ROTA_TUF_DELEGATION && !binds(s, e))
		s->found.path_match = false;
	if (e->kind == ROTA_TUF_TARGET && !binds(s, e))
		return ROTA_OK;
	return rota_role_event(s, e);
}
