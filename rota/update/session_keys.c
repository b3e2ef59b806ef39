/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that a session has come to, for who has a use for them beside it. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

static bool about_to_fetch(const struct rota_session *s, enum rota_session_state state)
{
	return s->state == state && s->want.kind == ROTA_WANT_FETCH && s->found.got_len == 0;
}

/* The sum of their digests: in whatever order they stand in the ring. */
bool rota_session_root_keys(const struct rota_session *s, uint8_t out[static ROTA_SHA256_LEN])
{
	const struct rota_keyring *ring = &s->room.keys;
	uint8_t digest[ROTA_SHA256_LEN];

	if (!about_to_fetch(s, ROTA_ST_ROOT_NEXT) || s->reading || s->ahead)
		return false;
	memset(out, 0, ROTA_SHA256_LEN);
	for (size_t i = 0; i < s->config.limits->keys; i++) {
		if (!rota_keyring_first(ring, i, 1u << ROTA_TOP_ROOT))
			continue;
		rota_floor_digest(s->config.crypto, digest,
			rota_span(ring->key[i].raw, ring->key[i].raw_len));
		for (size_t k = 0; k < sizeof(digest); k++)
			out[k] ^= digest[k];
	}
	out[0] ^= (uint8_t)s->threshold[ROTA_TOP_ROOT];
	return true;
}

/* The role is the next to be visited: what is said of it has been verified with its delegator's file. */
enum rota_err rota_session_role_keys(struct rota_session *s, void *ctx,
	void (*key)(void *ctx, enum rota_alg alg, struct rota_span raw))
{
	const struct rota_keyring *ring = &s->room.keys;
	const struct rota_pending *p = s->pending;

	if (!about_to_fetch(s, ROTA_ST_META) || s->want_role.len == 0 || p->len == 0)
		return ROTA_ERR_STATE;
	for (uint16_t i = 0; i < p->key_count; i++) {
		const struct rota_key *k = &ring->key[p->key[i]];

		key(ctx, rota_keyring_alg(ring, k), rota_span(k->raw, k->raw_len));
	}
	s->want.kind = ROTA_WANT_NOTHING;
	return ROTA_OK;
}
