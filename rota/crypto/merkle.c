/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/crypto/merkle.h"
#include "rota/base/mem.h"

#define LEN ROTA_MERKLE_HASH_LEN

static void hash(const struct rota_crypto *crypto, uint8_t prefix, struct rota_span a,
	struct rota_span b, uint8_t *out)
{
	struct rota_sha256 h;

	crypto->sha256_init(&h);
	crypto->sha256_update(&h, rota_span(&prefix, 1));
	crypto->sha256_update(&h, a);
	crypto->sha256_update(&h, b);
	crypto->sha256_final(&h, out);
}

void rota_merkle_leaf(const struct rota_crypto *crypto, struct rota_span entry,
	uint8_t out[static ROTA_SHA256_LEN])
{
	hash(crypto, 0x00, entry, rota_span(NULL, 0), out);
}

void rota_merkle_node(const struct rota_crypto *crypto, const uint8_t left[static ROTA_SHA256_LEN],
	const uint8_t right[static ROTA_SHA256_LEN], uint8_t out[static ROTA_SHA256_LEN])
{
	hash(crypto, 0x01, rota_span(left, LEN), rota_span(right, LEN), out);
}

/* A way from a node up to the root: where it stands among the nodes of its level, and where the last one of that level
 * does. */
struct way {
	uint64_t at, last;
};

/* Is what the proof says next the left neighbour? */
static bool from_left(const struct way *w)
{
	return (w->at & 1) != 0 || w->at == w->last;
}

/* One level up; from a last node that has no sibling on its right, past the levels on which it has none on its left
 * either. */
static void rise(struct way *w)
{
	while ((w->at & 1) == 0 && w->at == w->last && w->at != 0) {
		w->at >>= 1;
		w->last >>= 1;
	}
	w->at >>= 1;
	w->last >>= 1;
}

/* The next hash of a proof of whole hashes. */
static const uint8_t *next_hash(struct rota_span *proof)
{
	const uint8_t *p = proof->p;

	*proof = rota_span_skip(*proof, LEN);
	return p;
}

void rota_merkle_walk(struct rota_merkle_walk *w, uint64_t index, uint64_t size,
	const uint8_t leaf[static ROTA_SHA256_LEN])
{
	w->index = index;
	w->last = size - 1;
	w->failed = index >= size;
	memcpy(w->hash, leaf, LEN);
}

void rota_merkle_step(struct rota_merkle_walk *w, const struct rota_crypto *crypto,
	const uint8_t sibling[static ROTA_SHA256_LEN])
{
	struct way way = { w->index, w->last };

	if (w->failed || way.last == 0) {
		w->failed = true;
		return;
	}
	if (from_left(&way))
		rota_merkle_node(crypto, sibling, w->hash, w->hash);
	else
		rota_merkle_node(crypto, w->hash, sibling, w->hash);
	rise(&way);
	w->index = way.at;
	w->last = way.last;
}

enum rota_err rota_merkle_arrive(
	const struct rota_merkle_walk *w, uint8_t root[static ROTA_SHA256_LEN])
{
	if (w->failed || w->last != 0)
		return ROTA_ERR_FORMAT;
	memcpy(root, w->hash, LEN);
	return ROTA_OK;
}

enum rota_err rota_merkle_inclusion(const struct rota_crypto *crypto, uint64_t index, uint64_t size,
	const uint8_t leaf[static ROTA_SHA256_LEN], struct rota_span proof,
	uint8_t root[static ROTA_SHA256_LEN])
{
	struct rota_merkle_walk w;

	if (proof.len % LEN != 0)
		return ROTA_ERR_FORMAT;
	rota_merkle_walk(&w, index, size, leaf);
	while (proof.len > 0 && !w.failed)
		rota_merkle_step(&w, crypto, next_hash(&proof));
	return rota_merkle_arrive(&w, root);
}

/* The walk of RFC 9162 2.1.4.2 from step 6 on, from the hash of the last full subtree of the old tree. */
static enum rota_err walk_both(const struct rota_crypto *crypto, struct way w,
	struct rota_span proof, uint8_t *old, uint8_t *new)
{
	while (proof.len > 0) {
		const uint8_t *p = next_hash(&proof);

		if (w.last == 0)
			return ROTA_ERR_FORMAT;
		if (from_left(&w)) {
			rota_merkle_node(crypto, p, old, old);
			rota_merkle_node(crypto, p, new, new);
		} else {
			rota_merkle_node(crypto, new, p, new);
		}
		rise(&w);
	}
	return w.last == 0 ? ROTA_OK : ROTA_ERR_FORMAT;
}

enum rota_err rota_merkle_consistency(const struct rota_crypto *crypto, uint64_t old_size,
	uint64_t new_size, const uint8_t old_root[static ROTA_SHA256_LEN],
	const uint8_t new_root[static ROTA_SHA256_LEN], struct rota_span proof)
{
	uint8_t old[LEN], new[LEN];
	struct way w = { old_size - 1, new_size - 1 };

	if (old_size > new_size || proof.len % LEN != 0)
		return ROTA_ERR_FORMAT;
	if (old_size == 0 || old_size == new_size) {
		if (proof.len > 0)
			return ROTA_ERR_FORMAT;
		return old_size == 0 || memcmp(old_root, new_root, LEN) == 0 ? ROTA_OK
									     : ROTA_ERR_HASH;
	}
	while ((w.at & 1) != 0) { /* up to the old tree's last full subtree */
		w.at >>= 1;
		w.last >>= 1;
	}
	if (w.at != 0 && proof.len == 0)
		return ROTA_ERR_FORMAT;
	/* where the old tree is one full subtree, its root is what the walk begins with */
	memcpy(old, w.at == 0 ? old_root : next_hash(&proof), LEN);
	memcpy(new, old, LEN);
	ROTA_TRY(walk_both(crypto, w, proof, old, new));
	if (memcmp(old, old_root, LEN) != 0 || memcmp(new, new_root, LEN) != 0)
		return ROTA_ERR_HASH;
	return ROTA_OK;
}

/* How many full subtrees a tree has. */
static unsigned subtrees(uint64_t size)
{
	unsigned n = 0;

	for (; size != 0; size &= size - 1)
		n++;
	return n;
}

void rota_merkle_append(const struct rota_crypto *crypto, struct rota_merkle_edge *edge,
	const uint8_t leaf[static ROTA_SHA256_LEN])
{
	uint8_t node[LEN];
	unsigned at = subtrees(edge->size);

	memcpy(node, leaf, LEN);
	for (uint64_t size = edge->size; (size & 1) != 0; size >>= 1)
		rota_merkle_node(crypto, edge->node[--at], node, node);
	memcpy(edge->node[at], node, LEN);
	edge->size++;
}

void rota_merkle_root(const struct rota_crypto *crypto, const struct rota_merkle_edge *edge,
	uint8_t out[static ROTA_SHA256_LEN])
{
	unsigned at = subtrees(edge->size);

	if (at == 0) {
		rota_sha256_of(crypto, rota_span(NULL, 0), out);
		return;
	}
	memcpy(out, edge->node[--at], LEN);
	while (at > 0)
		rota_merkle_node(crypto, edge->node[--at], out, out);
}
