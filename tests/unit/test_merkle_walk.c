/* SPDX-License-Identifier: Apache-2.0 */
/* A proof hash by hash, once with each port, in trees whose rows are all there: row 0 are the leaves, a row of n nodes
 * has ceil(n / 2) above it, and a node without a right sibling goes up as it is (RFC 9162, 2.1.1). The proof of a leaf
 * is in each row the neighbour of the node above it, where there is one (SPEC 33.5). test_merkle.c has the same walk
 * with whole proofs. */
#include "rota/crypto/merkle.h"
#include "tests/unit/secrets.h"
#include "tests/unit/test.h"

#define LEAVES_MAX 300
#define ROWS_MAX 10

static uint8_t node[2 * LEAVES_MAX + ROWS_MAX][ROTA_MERKLE_HASH_LEN];
static struct row {
	uint32_t first, count; /* in node[] */
} row[ROWS_MAX];
static unsigned rows;

static void grow_rows(uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		rota_merkle_leaf(test_crypto, rota_span(&i, sizeof(i)), node[i]);
	row[0] = (struct row){ 0, size };
	for (rows = 1; row[rows - 1].count > 1; rows++) {
		const struct row *below = &row[rows - 1];
		struct row *r = &row[rows];

		*r = (struct row){ below->first + below->count, (below->count + 1) / 2 };
		for (uint32_t i = 0; i < r->count; i++) {
			uint32_t left = below->first + 2 * i;

			if (2 * i + 1 < below->count)
				rota_merkle_node(test_crypto, node[left], node[left + 1],
					node[r->first + i]);
			else
				memcpy(node[r->first + i], node[left], sizeof(node[0]));
		}
	}
}

/* The proof of a leaf; its length. */
static unsigned proof_of(uint32_t index, const uint8_t *proof[ROWS_MAX])
{
	unsigned count = 0;

	for (unsigned k = 0; k + 1 < rows; k++) {
		uint32_t beside = (index >> k) ^ 1;

		if (beside < row[k].count)
			proof[count++] = node[row[k].first + beside];
	}
	return count;
}

static enum rota_err walk(uint32_t index, uint32_t from, const uint8_t *proof[ROWS_MAX],
	unsigned steps, uint8_t *root)
{
	struct rota_merkle_walk w;

	rota_merkle_walk(&w, index, row[0].count, node[from]);
	for (unsigned i = 0; i < steps; i++)
		rota_merkle_step(&w, test_crypto, proof[i]);
	return rota_merkle_arrive(&w, root);
}

static void check_size(uint32_t size)
{
	const uint8_t *proof[ROWS_MAX], *root;
	uint8_t got[ROTA_MERKLE_HASH_LEN];

	grow_rows(size);
	root = node[row[rows - 1].first];
	for (uint32_t i = 0; i < size; i++) {
		unsigned steps = proof_of(i, proof);

		CHECK_OK(walk(i, i, proof, steps, got));
		CHECK_MEM(got, root, sizeof(got));
		proof[steps] = root;
		CHECK_EQ(walk(i, i, proof, steps + 1, got), ROTA_ERR_FORMAT);
		if (steps == 0)
			continue;
		CHECK_EQ(walk(i, i, proof, steps - 1, got), ROTA_ERR_FORMAT);
		if (walk(i ^ 1, i, proof, steps, got) == ROTA_OK) /* at another place */
			CHECK(memcmp(got, root, sizeof(got)) != 0);
	}
}

TEST(walks_of_small_trees_lead_to_the_root)
{
	for (uint32_t size = 1; size <= 66 && !test_failed; size++)
		check_size(size);
}

TEST(walks_of_larger_trees_lead_to_the_root)
{
	static const uint32_t sizes[] = { 127, 128, 129, 255, 256, 257, 299, LEAVES_MAX };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !test_failed; i++)
		check_size(sizes[i]);
}

TEST(a_walk_begins_within_the_tree)
{
	struct rota_merkle_walk w;
	uint8_t leaf[ROTA_MERKLE_HASH_LEN] = { 1 }, root[ROTA_MERKLE_HASH_LEN] = { 0xee };

	rota_merkle_walk(&w, 0, 0, leaf);
	CHECK_EQ(rota_merkle_arrive(&w, root), ROTA_ERR_FORMAT);
	rota_merkle_walk(&w, 1, 1, leaf);
	CHECK_EQ(rota_merkle_arrive(&w, root), ROTA_ERR_FORMAT);
	CHECK_EQ(root[0], 0xee);
	rota_merkle_walk(&w, 0, 1, leaf);
	CHECK_OK(rota_merkle_arrive(&w, root));
	CHECK_MEM(root, leaf, sizeof(root));
}

TESTS(T(walks_of_small_trees_lead_to_the_root), T(walks_of_larger_trees_lead_to_the_root),
	T(a_walk_begins_within_the_tree))
