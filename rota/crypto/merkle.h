/* SPDX-License-Identifier: Apache-2.0 */
/* rota/crypto/merkle.h -- Merkle trees of RFC 9162 (2.1), which are those of RFC 6962.
 *
 * The hash of a leaf is SHA-256(0x00 || entry), of a node SHA-256(0x01 || left || right). A tree of n leaves has on its
 * left the largest full subtree of fewer than n. Trees are not held: who checks has one leaf and some hashes; who
 * grows one has its right edge.
 *
 * Proofs are hashes of 32 bytes back to back, the leaf's sibling first. Their length is no choice of whoever sends
 * them: index and size say how many there are, and one too many or too few is refused.
 */
#ifndef ROTA_CRYPTO_MERKLE_H
#define ROTA_CRYPTO_MERKLE_H

#include "rota/port/crypto.h"

#define ROTA_MERKLE_HASH_LEN ROTA_SHA256_LEN
/* Hashes that a device has room for: an inclusion proof in a tree of 2^40 leaves. */
#define ROTA_MERKLE_PROOF_MAX 40

void rota_merkle_leaf(const struct rota_crypto *crypto, struct rota_span entry,
	uint8_t out[static ROTA_SHA256_LEN]);

/* `out` may be `left` or `right`. */
void rota_merkle_node(const struct rota_crypto *crypto, const uint8_t left[static ROTA_SHA256_LEN],
	const uint8_t right[static ROTA_SHA256_LEN], uint8_t out[static ROTA_SHA256_LEN]);

/* The root of the tree of `size` leaves that has `leaf` (its hash) at `index`, if the proof is one: RFC 9162 2.1.3.2.
 * Whether it is the root that somebody signed the caller compares.
 * ROTA_ERR_FORMAT: index is not below size, or `proof` has more or fewer hashes than the walk takes. */
ROTA_MUST_USE enum rota_err rota_merkle_inclusion(const struct rota_crypto *crypto, uint64_t index,
	uint64_t size, const uint8_t leaf[static ROTA_SHA256_LEN], struct rota_span proof,
	uint8_t root[static ROTA_SHA256_LEN]);

/* The same, hash by hash, for who has no room for a whole proof: begin with the leaf's hash, one step for each hash in
 * order, and arrive. A value: a copy is a snapshot. */
struct rota_merkle_walk {
	uint64_t index,
		last; /* where it stands among the nodes of its level, and where the last one does */
	uint8_t hash[ROTA_SHA256_LEN];
	bool failed;
};

void rota_merkle_walk(struct rota_merkle_walk *w, uint64_t index, uint64_t size,
	const uint8_t leaf[static ROTA_SHA256_LEN]);

/* After the last step that the tree takes each further one fails the walk. */
void rota_merkle_step(struct rota_merkle_walk *w, const struct rota_crypto *crypto,
	const uint8_t sibling[static ROTA_SHA256_LEN]);

/* The root that the walk led to. ROTA_ERR_FORMAT: index is not below size, or there were too few or too many steps;
 * `root` is not written. */
ROTA_MUST_USE enum rota_err rota_merkle_arrive(
	const struct rota_merkle_walk *w, uint8_t root[static ROTA_SHA256_LEN]);

/* Is the tree of the first `old_size` leaves of that of `new_size` the one that had `old_root`? RFC 9162 2.1.4.2. Of no
 * leaves every tree is the continuation, with no proof; of the same size it is the same root, with no proof.
 * ROTA_ERR_HASH: it is not. ROTA_ERR_FORMAT: old_size above new_size, or the proof is of another length. */
ROTA_MUST_USE enum rota_err rota_merkle_consistency(const struct rota_crypto *crypto,
	uint64_t old_size, uint64_t new_size, const uint8_t old_root[static ROTA_SHA256_LEN],
	const uint8_t new_root[static ROTA_SHA256_LEN], struct rota_span proof);

/* The right edge of a growing tree: the roots of its full subtrees, largest first. A value: a copy is a snapshot. All
 * zeros is the tree of no leaves. */
struct rota_merkle_edge {
	uint64_t size; /* leaves; the bits that are set say how large each subtree is */
	uint8_t node[64][ROTA_SHA256_LEN];
};

/* One leaf more, by its hash. */
void rota_merkle_append(const struct rota_crypto *crypto, struct rota_merkle_edge *edge,
	const uint8_t leaf[static ROTA_SHA256_LEN]);

/* Of no leaves it is SHA-256 of nothing. */
void rota_merkle_root(const struct rota_crypto *crypto, const struct rota_merkle_edge *edge,
	uint8_t out[static ROTA_SHA256_LEN]);

#endif
