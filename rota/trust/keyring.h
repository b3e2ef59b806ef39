/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/keyring.h -- public keys, and which of them may speak for whom.
 *
 * A ring holds the keys of the metadata file at hand (root, or a delegator) and those of roles that are yet to be
 * read, each once. Marks say which is which: bits that mean what the ring's owner says. A place whose marks are
 * gone is free, so keys are dropped by marks, and a key that stays never moves.
 *
 * Key ids are names, nothing more: they find a key for a signature, they never count. What counts is the public
 * key, and one that stands in a ring under two ids is one key.
 */
#ifndef ROTA_TRUST_KEYRING_H
#define ROTA_TRUST_KEYRING_H

#include "rota/codec/tuf.h"
#include "rota/trust/floor.h"
#include "rota/trust/limits.h"

/* A key id is kept as the first bytes of its SHA-256, whatever its spelling. Eight are enough: the ids of keys
 * are signed by who lists the keys, who could as well list the one for the other; the id of a signature is not,
 * and a colliding one leads to a verification that fails, or that counts a key of the role, once. */
#define ROTA_KEYID_TAG_LEN ROTA_FLOOR_TAG_LEN

struct rota_key {
	uint8_t id[ROTA_KEYID_TAG_LEN];
	uint8_t scheme; /* index in limits->schemes */
	uint8_t marks; /* the owner's; 0: this place is free */
	uint16_t raw_len;
	uint8_t *raw;
};

/* Its owner gives it all of this; an empty one begins as zeros. */
struct rota_keyring {
	const struct rota_crypto *crypto;
	const struct rota_limits *limits; /* schemes, keys, key_len */
	struct rota_key *key; /* limits->keys of them */
	uint8_t *raw; /* limits->key_len bytes for each */
};

/* Of each key only the marks `keep` stay; each that had one of the marks `among` gets those of `with`. A key that then
 * has none is dropped. */
void rota_keyring_mark(struct rota_keyring *ring, uint8_t keep, uint8_t among, uint8_t with);

/* Of each key only these marks stay. 0 empties the ring. */
static inline void rota_keyring_keep(struct rota_keyring *ring, uint8_t marks)
{
	rota_keyring_mark(ring, marks, 0, 0);
}

/* The key with this id among those that have one of the marks, or NULL. Two files in the ring may give one id to
 * two keys. */
struct rota_key *rota_keyring_find(
	const struct rota_keyring *ring, uint8_t marks, struct rota_span keyid);

/* Whether the key in place `at` has one of the marks, and no such key before it is the same public key. */
bool rota_keyring_first(const struct rota_keyring *ring, size_t at, uint8_t marks);

/* A key object of metadata: `e` is a ROTA_TUF_KEY. It gets these marks. Of a scheme that the ring or the port lacks, or
 * an RSA key of a length that none here verifies: ROTA_OK, and not added.
 * ROTA_ERR_FORMAT: malformed key. ROTA_ERR_LIMIT: too many keys, or a longer one than there is room for. */
ROTA_MUST_USE enum rota_err rota_keyring_add(
	struct rota_keyring *ring, const struct rota_tuf_event *e, uint8_t marks);

static inline enum rota_alg rota_keyring_alg(
	const struct rota_keyring *ring, const struct rota_key *key)
{
	return (enum rota_alg)ring->limits->schemes[key->scheme]->alg;
}

/* Same scheme and same public key. Both of rings with the same schemes. */
bool rota_key_same(const struct rota_key *a, const struct rota_key *b);

#endif
