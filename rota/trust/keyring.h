/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/keyring.h -- public keys, and which of them may speak for whom.
 *
 * A ring holds the keys of one metadata file (root's, or a delegator's), or the keys of one role. Key ids
 * are names, nothing more: they find a key for a signature, they never count. What counts is the public
 * key, and one that stands in a ring under two ids is one key.
 */
#ifndef ROTA_TRUST_KEYRING_H
#define ROTA_TRUST_KEYRING_H

#include "rota/base/arena.h"
#include "rota/codec/key.h"
#include "rota/codec/tuf.h"

/* A key id is kept as the first bytes of its SHA-256, whatever its spelling. Eight are enough: the ids of keys
 * are signed by who lists the keys, who could as well list the one for the other; the id of a signature is not,
 * and a colliding one leads to a verification that fails, or that counts a key of the role, once. */
#define ROTA_KEYID_TAG_LEN 8

struct rota_key {
	uint8_t id[ROTA_KEYID_TAG_LEN];
	uint8_t scheme; /* index in the ring's schemes */
	uint8_t marks; /* bit sets are the owner's: roles of root, or the delegation being read */
	uint16_t raw_len;
	uint8_t *raw;
};

struct rota_keyring {
	const struct rota_scheme *const *schemes;
	struct rota_key *key;
	uint16_t count;
	uint16_t max;
	uint16_t raw_max; /* bytes of room for each key */
};

/* Take room for `max` keys of `raw_max` bytes each.
 * schemes  those that are known, NULL at the end (rota/codec/key.h); stay in use.
 * Failure shows in rota_arena_end(). */
void rota_keyring_init(struct rota_keyring *ring, struct rota_arena *a,
	const struct rota_scheme *const *schemes, uint16_t max, uint16_t raw_max);

void rota_keyring_clear(struct rota_keyring *ring);

/* The key with this id, or NULL. */
struct rota_key *rota_keyring_find(
	const struct rota_keyring *ring, const struct rota_crypto *crypto, struct rota_span keyid);

/* A key object of metadata: `e` is a ROTA_TUF_KEY. Of a scheme that the ring or the port lacks, or an RSA key of
 * a length that none here verifies: ROTA_OK, and not added.
 * ROTA_ERR_FORMAT: malformed key. ROTA_ERR_LIMIT: too many keys, or a longer one than there is room for. */
ROTA_MUST_USE enum rota_err rota_keyring_add(struct rota_keyring *ring,
	const struct rota_crypto *crypto, const struct rota_tuf_event *e);

/* A copy of `key`, its marks cleared. ROTA_ERR_LIMIT as above. */
ROTA_MUST_USE enum rota_err rota_keyring_copy(
	struct rota_keyring *ring, const struct rota_key *key);

/* Same scheme and same public key. Both of rings with the same schemes. */
bool rota_key_same(const struct rota_key *a, const struct rota_key *b);

#endif
