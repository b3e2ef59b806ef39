/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that bring a key bundle (SPEC 33.6), against tests/vectors/keys.py, once with each port of rota/port/crypto.h. */
#include "rota/trust/keyanswer.h"
#include "rota/base/hex.h"
#include "tests/unit/test.h"
#include TEST_CRYPTO_HEADER

#include "tests/vectors/keys_answers.inc"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define BUNDLE_AT ROTA_KEYANSWER_HEAD_LEN
#define PROOF_AT (BUNDLE_AT + ROTA_KEYBUNDLE_LEN)
#define WITH_PROOF 2 /* the vector of index 3 of 10: four hashes */

static uint8_t raw[ROTA_KEYANSWER_MAX];
static struct rota_keyanswer a;

static struct rota_span vector(size_t i)
{
	size_t len = strlen(answer_vectors[i].bytes) / 2;

	return rota_hex_decode(rota_span_cstr(answer_vectors[i].bytes), rota_buf(raw, len)) ==
			ROTA_OK
		? rota_span(raw, len)
		: rota_span(NULL, 0);
}

static enum rota_err walk(struct rota_span in, size_t piece, uint8_t root[static 32])
{
	rota_keyanswer_begin(&a, &TEST_CRYPTO);
	for (size_t at = 0; at < in.len; at += piece)
		ROTA_TRY(rota_keyanswer_feed(&a, rota_span_slice(in, at, piece)));
	return rota_keyanswer_end(&a, root);
}

TEST(an_answer_leads_to_its_root_in_pieces_of_any_size)
{
	uint8_t root[32], want[32];

	for (size_t i = 0; i < ROWS(answer_vectors); i++) {
		struct rota_span in = vector(i);

		CHECK_OK(rota_hex_decode(rota_span_cstr(answer_vectors[i].root), ROTA_BUF(want)));
		for (size_t piece = 1; piece <= in.len; piece += piece < 60 ? 1 : 97) {
			CHECK_OK(walk(in, piece, root));
			CHECK_MEM(root, want, 32);
			CHECK_MEM(a.bundle, &raw[BUNDLE_AT], sizeof(a.bundle));
		}
	}
}

TEST(its_head_comes_out_as_it_went_in)
{
	uint8_t root[32], nonce[32], head[ROTA_KEYANSWER_HEAD_LEN];

	CHECK_OK(walk(vector(WITH_PROOF), 500, root));
	CHECK_EQ(a.head.tree, 1);
	CHECK_EQ(a.head.count, 4);
	CHECK_EQ(a.head.size, 10);
	CHECK_OK(rota_hex_decode(rota_span_cstr(v_nonce), ROTA_BUF(nonce)));
	CHECK_MEM(a.head.nonce, nonce, 32);
	rota_keyanswer_head_encode(&a.head, head);
	CHECK_MEM(head, raw, sizeof(head));
}

/* Any bit of bundle or proof that is another one leads elsewhere, or nowhere. */
TEST(what_was_changed_does_not_lead_to_the_root)
{
	struct rota_span in = vector(WITH_PROOF);
	uint8_t root[32], want[32];

	CHECK_OK(walk(in, in.len, want));
	for (size_t at = BUNDLE_AT; at < in.len; at++) {
		raw[at] ^= 0x10;
		CHECK(walk(in, in.len, root) != ROTA_OK || memcmp(root, want, 32) != 0);
		raw[at] ^= 0x10;
	}
}

static const struct {
	const char *reason;
	uint16_t at;
	uint8_t value;
	enum rota_err err;
} bad[] = {
	{ "another name", 0, 'X', ROTA_ERR_FORMAT },
	{ "another version", 7, 2, ROTA_ERR_UNSUPPORTED },
	{ "fewer hashes are said", 10, 3, ROTA_ERR_FORMAT },
	{ "more hashes are said", 10, 5, ROTA_ERR_FORMAT },
	{ "more hashes than any proof has", 10, 25, ROTA_ERR_FORMAT },
	{ "a byte that is to be 0", 11, 1, ROTA_ERR_FORMAT },
	{ "a tree of none", 12, 0, ROTA_ERR_FORMAT },
	{ "a tree that the index is not in", 12, 3, ROTA_ERR_FORMAT },
	{ "a tree in which the proof is too long", 12, 8, ROTA_ERR_FORMAT },
	{ "a tree in which the proof is too short", 12, 17, ROTA_ERR_FORMAT },
	{ "a tree beyond all", 15, 2, ROTA_ERR_FORMAT },
	{ "no bundle", BUNDLE_AT, 2, ROTA_ERR_UNSUPPORTED },
};

TEST(what_is_no_answer_is_refused)
{
	uint8_t root[32];

	for (size_t i = 0; i < ROWS(bad); i++) {
		struct rota_span in = vector(WITH_PROOF);

		ROW(bad[i].reason);
		raw[bad[i].at] = bad[i].value;
		CHECK_EQ(walk(in, in.len, root), bad[i].err);
		CHECK_EQ(walk(in, 7, root), bad[i].err);
	}
	ROW(NULL);
}

/* Before a byte of the bundle is kept. */
TEST(what_no_tree_has_is_refused_by_its_head)
{
	static const struct {
		const char *reason;
		uint8_t at, value;
		enum rota_err err;
	} rows[] = {
		{ "as it is", 10, 4, ROTA_OK },
		{ "the longest proof", 10, 24, ROTA_OK },
		{ "a longer one", 10, 25, ROTA_ERR_FORMAT },
		{ "the largest tree", 15, 0, ROTA_OK },
		{ "a larger one", 15, 2, ROTA_ERR_FORMAT },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		(void)vector(WITH_PROOF);
		ROW(rows[i].reason);
		raw[rows[i].at] = rows[i].value;
		rota_keyanswer_begin(&a, &TEST_CRYPTO);
		CHECK_EQ(rota_keyanswer_feed(&a, rota_span(raw, BUNDLE_AT)), rows[i].err);
	}
	ROW(NULL);
}

TEST(what_is_cut_or_goes_on_is_refused)
{
	struct rota_span in = vector(WITH_PROOF);
	uint8_t root[32];

	for (size_t len = 0; len < in.len; len++)
		CHECK_EQ(walk(rota_span(raw, len), 33, root), ROTA_ERR_FORMAT);
	CHECK_EQ(walk(rota_span(raw, in.len + 1), in.len + 1, root), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_keyanswer_feed(&a, ROTA_STR("x")), ROTA_ERR_FORMAT);
	CHECK(PROOF_AT + 4 * 32 == in.len);
}

TESTS(T(an_answer_leads_to_its_root_in_pieces_of_any_size), T(its_head_comes_out_as_it_went_in),
	T(what_was_changed_does_not_lead_to_the_root), T(what_is_no_answer_is_refused),
	T(what_no_tree_has_is_refused_by_its_head), T(what_is_cut_or_goes_on_is_refused))
