/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/floor.h"
#include "rota/base/mem.h"

ROTA_APART void rota_floor_digest(const struct rota_crypto *crypto,
	uint8_t digest[static ROTA_SHA256_LEN], struct rota_span of)
{
	rota_sha256_of(crypto, of, digest);
}

void rota_floor_tag(const struct rota_crypto *crypto, uint8_t tag[static ROTA_FLOOR_TAG_LEN],
	struct rota_span of)
{
	uint8_t digest[ROTA_SHA256_LEN];

	rota_floor_digest(crypto, digest, of);
	memcpy(tag, digest, ROTA_FLOOR_TAG_LEN);
}

/* Index of the role's entry, or of the first free one, or ROTA_FLOORS_MAX. */
static size_t find(const struct rota_floors *floors, const uint8_t *role)
{
	size_t spare = ROTA_FLOORS_MAX;

	for (size_t i = 0; i < ROTA_FLOORS_MAX; i++) {
		const struct rota_floor *f = &floors->floor[i];

		if (f->version != 0 && memcmp(f->role, role, ROTA_FLOOR_TAG_LEN) == 0)
			return i;
		if (f->version == 0 && spare == ROTA_FLOORS_MAX)
			spare = i;
	}
	return spare;
}

static bool stood(const struct rota_floor *f, const uint8_t *key)
{
	for (size_t i = 0; i < f->key_count; i++) {
		if (memcmp(f->keys[i], key, ROTA_FLOOR_TAG_LEN) == 0)
			return true;
	}
	return false;
}

bool rota_floor_stands(
	const struct rota_floors *floors, const uint8_t role[static ROTA_FLOOR_TAG_LEN])
{
	size_t at = find(floors, role);

	return at != ROTA_FLOORS_MAX && floors->floor[at].version != 0;
}

/* The version that still stands of `f` under the keys `now`. */
static rota_num standing(const struct rota_floor *f, const struct rota_floor_keys *now)
{
	uint32_t kept = 0;

	for (size_t i = 0; i < now->count; i++)
		kept += stood(f, now->keys[i]);
	return kept < now->threshold ? 0 : f->version;
}

rota_num rota_floor_of(const struct rota_floors *floors,
	const uint8_t role[static ROTA_FLOOR_TAG_LEN], const struct rota_floor_keys *now)
{
	size_t at = find(floors, role);

	return at == ROTA_FLOORS_MAX ? 0 : standing(&floors->floor[at], now);
}

static bool same(const struct rota_floor *f, const struct rota_floor_keys *now, rota_num version)
{
	return f->version == version && f->key_count == now->count &&
		memcmp(f->keys, now->keys, sizeof(f->keys)) == 0;
}

enum rota_err rota_floor_raise(struct rota_floors *floors,
	const uint8_t role[static ROTA_FLOOR_TAG_LEN], const struct rota_floor_keys *now,
	rota_num version, enum rota_floor_change *change)
{
	size_t at = find(floors, role);
	struct rota_floor *f;
	rota_num stands;

	if (at == ROTA_FLOORS_MAX)
		return ROTA_ERR_LIMIT;
	f = &floors->floor[at];
	stands = standing(f, now);
	if (version < stands)
		return ROTA_ERR_VERSION;
	*change = f->version != 0 && stands == 0 ? ROTA_FLOOR_FELL
		: same(f, now, version)          ? ROTA_FLOOR_SAME
						 : ROTA_FLOOR_RAISED;
	memcpy(f->role, role, ROTA_FLOOR_TAG_LEN);
	f->version = version;
	f->key_count = now->count;
	memcpy(f->keys, now->keys, sizeof(f->keys));
	return ROTA_OK;
}
