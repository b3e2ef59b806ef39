/* SPDX-License-Identifier: Apache-2.0 */
/* A role that is bound to what is looked for (SPEC 4.4), and hashed bins (TAP 15). Neither is the specification's: a
 * plain session has none of both. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

enum rota_err rota_session_find_in(
	struct rota_session *s, struct rota_span role, struct rota_span path)
{
	if (role.len != 0 && s->config.profile->binds == NULL)
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(rota_session_find(s, path));
	s->want_role = role;
	return ROTA_OK;
}

/* Top-level targets are being visited. */
static bool at_top(const struct rota_session *s)
{
	return s->pending->len == 0;
}

/* Only top-level targets may lead to the role asked for, and only to it; what counts is listed below them. */
bool rota_role_binds(const struct rota_session *s, const struct rota_tuf_event *e)
{
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

/* TAP 15: the first bits of the path's SHA-256 name the one bin that may list it, in hex behind the prefix.
 * Nothing else may, so it is terminating. */
enum rota_err rota_role_bins(struct rota_session *s, const struct rota_tuf_event *e)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[ROTA_SHA256_LEN], name[ROTA_ROLE_NAME_MAX];
	size_t len = e->id.len, count = (e->bits + 3u) / 4;
	uint32_t bin = 0;

	if (!own_bins(s, e->id))
		return ROTA_OK;
	if (len + 1 + count > sizeof(name))
		return ROTA_ERR_LIMIT;
	rota_floor_digest(s->config.crypto, digest, s->want_path);
	for (size_t i = 0; i < 4; i++)
		bin = bin << 8 | digest[i];
	bin >>= 32 - e->bits;
	memcpy(name, e->id.p, len);
	name[len++] = '-';
	while (count-- > 0)
		name[len++] = (uint8_t)digits[bin >> 4 * count & 15];
	ROTA_TRY(rota_role_follow(s, e, rota_span(name, len)));
	s->found.terminated = true;
	return ROTA_OK;
}
