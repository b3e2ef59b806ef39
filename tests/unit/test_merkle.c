/* SPDX-License-Identifier: Apache-2.0 */
/* Merkle trees, once with each port of rota/port/crypto.h. Vectors: the tree of seven leaves and its proofs of RFC 9162,
 * 2.1.5; roots and proofs of eight leaves from Certificate Transparency's reference implementation (merkle_tree_test of
 * github.com/google/certificate-transparency, the same in github.com/transparency-dev/merkle, testonly/constants.go).
 * Beside them every proof in trees of up to LEAVES leaves, made here after the RFC's definitions, by recursion. */
#include TEST_CRYPTO_HEADER
#include "rota/base/hex.h"
#include "rota/crypto/merkle.h"
#include "tests/unit/test.h"

static const struct rota_crypto *const port = &TEST_CRYPTO;

#define LEN ROTA_MERKLE_HASH_LEN
#define LEAVES 20

static uint8_t leaves[LEAVES][LEN]; /* hashes */
static uint8_t proof[8 * LEN];

/* What the RFC defines --------------------------------------------------------------------------- */

static unsigned split(unsigned n)
{
	unsigned k = 1;

	while (2 * k < n)
		k *= 2;
	return k;
}

/* MTH(D[from:from + n]), 2.1.1 */
static void root_of(unsigned from, unsigned n, uint8_t *out)
{
	uint8_t left[LEN], right[LEN];
	unsigned k = split(n);

	if (n == 1) {
		memcpy(out, leaves[from], LEN);
		return;
	}
	root_of(from, k, left);
	root_of(from + k, n - k, right);
	rota_merkle_node(port, left, right, out);
}

/* PATH(m, D[from:from + n]), 2.1.3.1; returns its length in bytes */
static size_t path_of(unsigned m, unsigned from, unsigned n, size_t at)
{
	unsigned k = split(n);

	if (n == 1)
		return at;
	at = m < k ? path_of(m, from, k, at) : path_of(m - k, from + k, n - k, at);
	if (m < k)
		root_of(from + k, n - k, proof + at);
	else
		root_of(from, k, proof + at);
	return at + LEN;
}

/* SUBPROOF(m, D[from:from + n], whole), 2.1.4.1 */
static size_t subproof_of(unsigned m, unsigned from, unsigned n, int whole, size_t at)
{
	unsigned k = split(n);

	if (m == n) {
		if (!whole)
			root_of(from, n, proof + at);
		return at + (whole ? 0 : LEN);
	}
	if (m <= k) {
		at = subproof_of(m, from, k, whole, at);
		root_of(from + k, n - k, proof + at);
	} else {
		at = subproof_of(m - k, from + k, n - k, 0, at);
		root_of(from, k, proof + at);
	}
	return at + LEN;
}

static void make_leaves(void)
{
	for (uint8_t i = 0; i < LEAVES; i++)
		rota_merkle_leaf(port, rota_span(&i, 1), leaves[i]);
}

/* Published ones ---------------------------------------------------------------------------------- */

static const char *const entries[] = { "", "00", "10", "2021", "3031", "40414243",
	"5051525354555657", "606162636465666768696a6b6c6d6e6f" };

static const char *const roots[] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static const struct {
	unsigned index, size; /* of an inclusion; old and new size of a consistency */
	const char *proof;
} inclusions[] = {
	{ 0, 1, "" },
	{ 0, 8,
		"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
		"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
		"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4" },
	{ 5, 8,
		"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
		"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" },
	{ 2, 3, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" },
	{ 1, 5,
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
		"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
		"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b" },
}, consistencies[] = {
	{ 1, 1, "" },
	{ 1, 8,
		"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
		"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
		"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4" },
	{ 6, 8,
		"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
		"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" },
	{ 2, 5,
		"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
		"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b" },
};

static enum rota_err unhex(const char *text, uint8_t *to)
{
	return rota_hex_decode(rota_span_cstr(text), rota_buf(to, strlen(text) / 2));
}

static enum rota_err published_leaf(unsigned n, uint8_t *out)
{
	uint8_t entry[16];

	ROTA_TRY(unhex(entries[n], entry));
	rota_merkle_leaf(port, rota_span(entry, strlen(entries[n]) / 2), out);
	return ROTA_OK;
}

TEST(a_tree_grows_to_the_published_roots)
{
	static struct rota_merkle_edge edge;

	edge.size = 0;
	for (unsigned n = 0; n <= 8; n++) {
		uint8_t leaf[LEN], want[LEN], got[LEN];

		ROW(roots[n]);
		CHECK_OK(unhex(roots[n], want));
		rota_merkle_root(port, &edge, got);
		CHECK_MEM(got, want, LEN);
		CHECK_EQ(edge.size, n);
		if (n == 8)
			break;
		CHECK_OK(published_leaf(n, leaf));
		rota_merkle_append(port, &edge, leaf);
	}
}

TEST(published_proofs_are_proofs)
{
	uint8_t leaf[LEN], want[LEN], got[LEN], old[LEN];

	for (size_t i = 0; i < sizeof(inclusions) / sizeof(inclusions[0]); i++) {
		struct rota_span p = rota_span(proof, strlen(inclusions[i].proof) / 2);

		ROW(inclusions[i].proof);
		CHECK_OK(unhex(inclusions[i].proof, proof));
		CHECK_OK(published_leaf(inclusions[i].index, leaf));
		CHECK_OK(unhex(roots[inclusions[i].size], want));
		CHECK_OK(rota_merkle_inclusion(
			port, inclusions[i].index, inclusions[i].size, leaf, p, got));
		CHECK_MEM(got, want, LEN);
	}
	for (size_t i = 0; i < sizeof(consistencies) / sizeof(consistencies[0]); i++) {
		struct rota_span p = rota_span(proof, strlen(consistencies[i].proof) / 2);

		ROW(consistencies[i].proof);
		CHECK_OK(unhex(consistencies[i].proof, proof));
		CHECK_OK(unhex(roots[consistencies[i].index], old));
		CHECK_OK(unhex(roots[consistencies[i].size], want));
		CHECK_OK(rota_merkle_consistency(
			port, consistencies[i].index, consistencies[i].size, old, want, p));
	}
}

/* The nodes of RFC 9162's figures by their letters: a to f and j are leaves, "hash" the root of all seven. */
static void figure_node(char letter, uint8_t *out)
{
	static const struct {
		char letter;
		unsigned from, n;
	} nodes[] = { { 'a', 0, 1 }, { 'b', 1, 1 }, { 'c', 2, 1 }, { 'd', 3, 1 }, { 'e', 4, 1 },
		{ 'f', 5, 1 }, { 'g', 0, 2 }, { 'h', 2, 2 }, { 'i', 4, 2 }, { 'j', 6, 1 },
		{ 'k', 0, 4 }, { 'l', 4, 3 } };

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		if (nodes[i].letter == letter)
			root_of(nodes[i].from, nodes[i].n, out);
	}
}

static struct rota_span figure_proof(const char *letters)
{
	for (size_t i = 0; letters[i] != '\0'; i++)
		figure_node(letters[i], proof + i * LEN);
	return rota_span(proof, strlen(letters) * LEN);
}

TEST(the_examples_of_the_rfc)
{
	static const struct {
		unsigned index;
		const char *letters;
	} paths[] = { { 0, "bhl" }, { 3, "cgl" }, { 4, "fjk" }, { 6, "ik" } },
	  proofs[] = { { 3, "cdgl" }, { 4, "l" }, { 6, "ijk" } };
	uint8_t root[LEN], got[LEN];

	make_leaves();
	root_of(0, 7, root);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		ROW(paths[i].letters);
		CHECK_OK(rota_merkle_inclusion(port, paths[i].index, 7, leaves[paths[i].index],
			figure_proof(paths[i].letters), got));
		CHECK_MEM(got, root, LEN);
	}
	for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
		uint8_t old[LEN];

		ROW(proofs[i].letters);
		root_of(0, proofs[i].index, old);
		CHECK_OK(rota_merkle_consistency(
			port, proofs[i].index, 7, old, root, figure_proof(proofs[i].letters)));
	}
}

/* All of them ------------------------------------------------------------------------------------- */

TEST(every_inclusion_proof_gives_the_root_at_its_own_place_alone)
{
	uint8_t root[LEN], got[LEN];

	make_leaves();
	for (unsigned n = 1; n <= LEAVES; n++) {
		root_of(0, n, root);
		for (unsigned i = 0; i < n; i++) {
			struct rota_span p = rota_span(proof, path_of(i, 0, n, 0));

			CHECK_OK(rota_merkle_inclusion(port, i, n, leaves[i], p, got));
			CHECK_MEM(got, root, LEN);
			for (unsigned other = 0; other < n;
				other++) { /* of another place: no root */
				if (other != i &&
					rota_merkle_inclusion(port, other, n, leaves[i], p, got) ==
						ROTA_OK)
					CHECK(memcmp(got, root, LEN) != 0);
			}
		}
	}
}

TEST(an_inclusion_proof_has_one_length)
{
	uint8_t got[LEN];

	make_leaves();
	for (unsigned n = 1; n <= LEAVES; n++) {
		for (unsigned i = 0; i < n; i++) {
			size_t len = path_of(i, 0, n, 0);

			for (size_t more = 0; more <= sizeof(proof); more++) {
				if (more == len)
					continue;
				CHECK_EQ(rota_merkle_inclusion(port, i, n, leaves[i],
						 rota_span(proof, more), got),
					ROTA_ERR_FORMAT);
				more = more < 2 * LEN ? more : more + LEN - 2; /* some odd ones */
			}
		}
		CHECK_EQ(rota_merkle_inclusion(port, n, n, leaves[0], rota_span(proof, 0), got),
			ROTA_ERR_FORMAT);
	}
	CHECK_EQ(rota_merkle_inclusion(port, 0, 0, leaves[0], rota_span(proof, 0), got),
		ROTA_ERR_FORMAT);
}

TEST(every_tree_continues_each_smaller_one)
{
	uint8_t old[LEN], new[LEN];

	make_leaves();
	for (unsigned n = 1; n <= LEAVES; n++) {
		root_of(0, n, new);
		for (unsigned m = 1; m <= n; m++) {
			struct rota_span p = rota_span(proof, subproof_of(m, 0, n, 1, 0));

			root_of(0, m, old);
			CHECK_OK(rota_merkle_consistency(port, m, n, old, new, p));
			for (size_t at = 0; at < p.len; at += LEN) { /* each hash matters */
				proof[at + at / LEN] ^= 0x10;
				CHECK_EQ(rota_merkle_consistency(port, m, n, old, new, p),
					ROTA_ERR_HASH);
				proof[at + at / LEN] ^= 0x10;
			}
			for (size_t len = 0; len <= sizeof(proof); len += LEN) {
				if (len != p.len)
					CHECK_EQ(rota_merkle_consistency(port, m, n, old, new,
							 rota_span(proof, len)),
						ROTA_ERR_FORMAT);
			}
			old[m] ^= 1;
			CHECK_EQ(rota_merkle_consistency(port, m, n, old, new, p), ROTA_ERR_HASH);
			old[m] ^= 1;
			new[n] ^= 1;
			CHECK_EQ(rota_merkle_consistency(port, m, n, old, new, p), ROTA_ERR_HASH);
			new[n] ^= 1;
		}
	}
}

TEST(of_no_leaves_every_tree_is_the_continuation_and_none_shrinks)
{
	uint8_t any[LEN] = { 1 }, other[LEN] = { 2 };

	CHECK_OK(rota_merkle_consistency(port, 0, 0, any, other, rota_span(NULL, 0)));
	CHECK_OK(rota_merkle_consistency(port, 0, 5, any, other, rota_span(NULL, 0)));
	CHECK_EQ(rota_merkle_consistency(port, 0, 5, any, other, rota_span(proof, LEN)),
		ROTA_ERR_FORMAT);
	CHECK_EQ(
		rota_merkle_consistency(port, 5, 4, any, any, rota_span(NULL, 0)), ROTA_ERR_FORMAT);
	CHECK_EQ(
		rota_merkle_consistency(port, 8, 4, any, any, rota_span(NULL, 0)), ROTA_ERR_FORMAT);
	CHECK_EQ(
		rota_merkle_consistency(port, 5, 0, any, any, rota_span(NULL, 0)), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_merkle_consistency(port, 4, 5, any, any, rota_span(proof, LEN + 1)),
		ROTA_ERR_FORMAT);
}

/* The largest sizes: no walk runs over, and each ends. */
TEST(trees_of_2_to_the_64_less_one_leaves_are_walked_to_their_end)
{
	static const uint8_t long_proof[65 * LEN]; /* zeros, in flash */
	uint8_t got[LEN];

	CHECK_OK(rota_merkle_inclusion(
		port, 0, UINT64_MAX, leaves[0], rota_span(long_proof, 64 * LEN), got));
	CHECK_EQ(rota_merkle_inclusion(
			 port, 0, UINT64_MAX, leaves[0], rota_span(long_proof, 65 * LEN), got),
		ROTA_ERR_FORMAT);
	CHECK_OK(rota_merkle_inclusion(
		port, UINT64_MAX - 1, UINT64_MAX, leaves[0], rota_span(long_proof, 63 * LEN), got));
	CHECK_EQ(rota_merkle_consistency(port, UINT64_MAX - 1, UINT64_MAX, leaves[0], leaves[1],
			 rota_span(long_proof, 64 * LEN)),
		ROTA_ERR_HASH);
}

TESTS(T(a_tree_grows_to_the_published_roots), T(published_proofs_are_proofs),
	T(the_examples_of_the_rfc), T(every_inclusion_proof_gives_the_root_at_its_own_place_alone),
	T(an_inclusion_proof_has_one_length), T(every_tree_continues_each_smaller_one),
	T(of_no_leaves_every_tree_is_the_continuation_and_none_shrinks),
	T(trees_of_2_to_the_64_less_one_leaves_are_walked_to_their_end))
