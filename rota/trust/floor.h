/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/floor.h -- verified floors (SPEC 4.3).
 *
 * For each role that signs targets the device keeps the version of the last file that passed its own
 * threshold, and under which keys it did. TUF's own rollback protection lives in snapshot and is erased
 * with every change of the snapshot or timestamp key (TUF 5.3.11); a floor is not. It falls only when the
 * role's keys were so replaced that no old file can verify any more.
 *
 * Pure: no storage. The table is part of the device state (rota/store/state.h).
 */
#ifndef ROTA_TRUST_FLOOR_H
#define ROTA_TRUST_FLOOR_H

#include "rota/base/num.h"
#include "rota/base/span.h"
#include "rota/port/crypto.h"

/* Roles of SPEC 3.2 that a device may follow at once: targets and the eight delegated ones, less ci or
 * releases, of which a device follows one. */
#define ROTA_FLOORS_MAX 8

/* Keys of one role that a floor remembers; roles of SPEC 3.2 have at most 3, and 6 in a rollover. */
#define ROTA_FLOOR_KEYS_MAX 6

/* First bytes of a SHA-256: a name for a role or a public key. A second key with the same tag could only
 * keep a floor standing, never take one down. */
#define ROTA_FLOOR_TAG_LEN 8

struct rota_floor {
	uint8_t role[ROTA_FLOOR_TAG_LEN];
	rota_num version; /* 0: this entry is free */
	uint8_t key_count;
	uint8_t keys[ROTA_FLOOR_KEYS_MAX][ROTA_FLOOR_TAG_LEN];
};

struct rota_floors {
	struct rota_floor floor[ROTA_FLOORS_MAX];
};

/* A role's present key set, as its delegator lists it, in tags. */
struct rota_floor_keys {
	rota_num threshold;
	uint8_t count; /* distinct public keys */
	uint8_t keys[ROTA_FLOOR_KEYS_MAX][ROTA_FLOOR_TAG_LEN];
};

/* SHA-256 of a name, a path or a key; a tag is its beginning. Here once for all: put into each caller it is long. */
void rota_floor_digest(const struct rota_crypto *crypto, uint8_t digest[static ROTA_SHA256_LEN],
	struct rota_span of);

/* Tag of a role's name or of a public key's raw form. */
void rota_floor_tag(const struct rota_crypto *crypto, uint8_t tag[static ROTA_FLOOR_TAG_LEN],
	struct rota_span of);

/* The version below which a file of `role` is refused under the keys `now`: 0 where there is no floor, or
 * where fewer than now->threshold of `now` stood in the set that the floor was made under. */
rota_num rota_floor_of(const struct rota_floors *floors,
	const uint8_t role[static ROTA_FLOOR_TAG_LEN], const struct rota_floor_keys *now);

/* Whether `role` has a floor, whatever its keys. */
bool rota_floor_stands(
	const struct rota_floors *floors, const uint8_t role[static ROTA_FLOOR_TAG_LEN]);

enum rota_floor_change {
	ROTA_FLOOR_SAME, /* version and keys are those that it had */
	ROTA_FLOOR_RAISED, /* or made */
	ROTA_FLOOR_FELL, /* and was set anew */
};

/* A file of `role` with `version` passed the threshold of `now`: raise the floor to it, or set it anew where
 * rota_floor_of() says that the old one fell.
 * ROTA_ERR_VERSION: below the floor. ROTA_ERR_LIMIT: no free entry (ROTA_FLOORS_MAX roles). */
ROTA_MUST_USE enum rota_err rota_floor_raise(struct rota_floors *floors,
	const uint8_t role[static ROTA_FLOOR_TAG_LEN], const struct rota_floor_keys *now,
	rota_num version, enum rota_floor_change *change);

#endif
