/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of a device (SPEC 35.1), against tests/vectors/keys.py. */
#include "rota/codec/statement.h"
#include "rota/base/hex.h"
#include "tests/unit/test.h"
#include TEST_CRYPTO_HEADER

#include "tests/vectors/keys_statements.inc"

#define KEPT_CUT (8 + 1 + 32 + 4 + 65 + 64)
#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static uint8_t raw[ROTA_STATEMENT_MAX];

/* The vector of this name, in `raw`. */
static struct rota_span vector(const char *name)
{
	for (size_t i = 0; i < ROWS(statement_vectors); i++) {
		size_t len = strlen(statement_vectors[i].signed_body) / 2;

		if (strcmp(statement_vectors[i].name, name) == 0 &&
			rota_hex_decode(rota_span_cstr(statement_vectors[i].signed_body),
				rota_buf(raw, len)) == ROTA_OK)
			return rota_span(raw, len);
	}
	return rota_span(NULL, 0);
}

TEST(each_kind_is_read_written_and_digested)
{
	uint8_t room[ROTA_STATEMENT_MAX], want[32], got[32];
	struct rota_statement s;
	struct rota_span in, body;

	for (size_t i = 0; i < ROWS(statement_vectors); i++) {
		ROW(statement_vectors[i].name);
		in = vector(statement_vectors[i].name);
		CHECK_OK(rota_statement_decode(in, &s));
		CHECK_OK(rota_statement_encode(&s, ROTA_BUF(room), &body));
		CHECK(rota_span_eq(body, s.body));
		CHECK(rota_span_eq(s.sig, rota_span_skip(in, in.len - 64)));
		CHECK_OK(rota_hex_decode(
			rota_span_cstr(statement_vectors[i].digest), ROTA_BUF(want)));
		rota_statement_digest(&TEST_CRYPTO, body, got);
		CHECK_MEM(got, want, sizeof(want));
	}
	ROW(NULL);
}

TEST(members_come_out_as_they_went_in)
{
	struct rota_statement s;
	uint8_t want[65];

	CHECK_OK(rota_statement_decode(vector("proved"), &s));
	CHECK_EQ(s.kind, ROTA_STATEMENT_PROVED);
	CHECK_EQ(s.number, 5);
	CHECK_EQ(s.purpose, ROTA_PURPOSE_STORAGE);
	CHECK_EQ(s.generation, 9);
	CHECK_OK(rota_hex_decode(rota_span_cstr(v_point), ROTA_BUF(want)));
	CHECK_MEM(s.point, want, 65);
	CHECK_OK(rota_hex_decode(rota_span_cstr(v_campaign), rota_buf(want, 32)));
	CHECK_MEM(s.campaign, want, 32);
	CHECK_OK(rota_statement_decode(vector("kept"), &s));
	CHECK_EQ(s.count, 2);
	CHECK_EQ(s.holding[0].purpose, 1);
	CHECK_EQ(s.holding[0].proved, 10);
	CHECK_EQ(s.holding[1].purpose, 3);
	CHECK_EQ(s.holding[1].proved, 30);
	CHECK_EQ(s.holding[1].active, 0);
	CHECK_OK(rota_statement_decode(vector("state"), &s));
	CHECK_EQ(s.count, 2);
	CHECK_EQ(s.holding[1].purpose, 3);
	CHECK_EQ(s.holding[1].active, 30);
	CHECK_EQ(s.holding[1].staged, 31);
	CHECK_EQ(s.holding[1].proved, 32);
	CHECK_EQ(s.holding[1].held_from, 3);
	CHECK_EQ(s.holding[1].needed_from, 4);
	CHECK_EQ(s.holding[1].records, ROTA_HOLDING_RENEW | 3);
	CHECK_EQ(s.generation, 0);
}

static const struct {
	const char *reason, *kind;
	uint16_t at;
	uint8_t value;
	enum rota_err err;
} bad[] = {
	{ "another name", "gone", 0, 'S', ROTA_ERR_FORMAT },
	{ "another version", "gone", 7, 2, ROTA_ERR_UNSUPPORTED },
	{ "kind 0", "gone", 8, 0, ROTA_ERR_UNSUPPORTED },
	{ "kind 5", "gone", 8, 5, ROTA_ERR_UNSUPPORTED },
	{ "a kind that is longer", "gone", 8, 3, ROTA_ERR_FORMAT },
	{ "a kind that is shorter", "anew", 8, 4, ROTA_ERR_FORMAT },
	{ "number 0", "anew", 41, 0, ROTA_ERR_FORMAT },
	{ "purpose 0", "proved", 45, 0, ROTA_ERR_FORMAT },
	{ "a purpose beyond all", "proved", 45, 9, ROTA_ERR_FORMAT },
	{ "generation 0", "proved", 46, 0, ROTA_ERR_FORMAT },
	{ "a point that is compressed", "proved", 146, 2, ROTA_ERR_FORMAT },
	{ "likewise", "anew", 45, 3, ROTA_ERR_FORMAT },
	{ "none is still there, and said", "kept", 110, 0, ROTA_ERR_FORMAT },
	{ "fewer are still there than said", "kept", 110, 3, ROTA_ERR_FORMAT },
	{ "more", "kept", 110, 1, ROTA_ERR_FORMAT },
	{ "more than purposes", "kept", 110, 9, ROTA_ERR_FORMAT },
	{ "still there is purpose 0", "kept", 111, 0, ROTA_ERR_FORMAT },
	{ "still there is one twice", "kept", 111, 3, ROTA_ERR_FORMAT },
	{ "still there is generation 0", "kept", 112, 0, ROTA_ERR_FORMAT },
	{ "fewer holdings than said", "state", 45, 3, ROTA_ERR_FORMAT },
	{ "more holdings than said", "state", 45, 1, ROTA_ERR_FORMAT },
	{ "more holdings than purposes", "state", 45, 9, ROTA_ERR_FORMAT },
	{ "a purpose twice", "state", 46, 3, ROTA_ERR_FORMAT },
	{ "a holding of purpose 0", "state", 46, 0, ROTA_ERR_FORMAT },
	{ "a holding of no purpose", "state", 71, 9, ROTA_ERR_FORMAT },
};

TEST(what_is_no_statement_is_refused)
{
	struct rota_statement s;
	struct rota_span in;

	for (size_t i = 0; i < ROWS(bad); i++) {
		ROW(bad[i].reason);
		in = vector(bad[i].kind);
		raw[bad[i].at] = bad[i].value;
		CHECK_EQ(rota_statement_decode(in, &s), bad[i].err);
	}
	for (size_t i = 0; i < ROWS(statement_vectors); i++) {
		ROW(statement_vectors[i].name);
		in = vector(statement_vectors[i].name);
		for (size_t len = 0; len < in.len; len++) {
			/* cut so, it reads as one of a device that has nothing, and its signature as another */
			bool bare =
				len == KEPT_CUT && strcmp(statement_vectors[i].name, "kept") == 0;

			CHECK_EQ(rota_statement_decode(rota_span(raw, len), &s),
				bare ? ROTA_OK : ROTA_ERR_FORMAT);
		}
		CHECK_EQ(rota_statement_decode(rota_span(raw, in.len + 1), &s), ROTA_ERR_FORMAT);
	}
	ROW(NULL);
}

TEST(what_decode_would_refuse_is_not_written)
{
	uint8_t room[ROTA_STATEMENT_MAX];
	struct rota_statement s;
	struct rota_span body;

	CHECK_OK(rota_statement_decode(vector("proved"), &s));
	CHECK_EQ(rota_statement_encode(&s, rota_buf(room, 210), &body), ROTA_ERR_LIMIT);
	s.number = 0;
	CHECK_EQ(rota_statement_encode(&s, ROTA_BUF(room), &body), ROTA_ERR_ARGUMENT);
	s.number = 1;
	s.kind = 5;
	CHECK_EQ(rota_statement_encode(&s, ROTA_BUF(room), &body), ROTA_ERR_ARGUMENT);
	CHECK_OK(rota_statement_decode(vector("state"), &s));
	s.count = ROTA_PURPOSES_MAX + 1;
	CHECK_EQ(rota_statement_encode(&s, ROTA_BUF(room), &body), ROTA_ERR_ARGUMENT);
}

TESTS(T(each_kind_is_read_written_and_digested), T(members_come_out_as_they_went_in),
	T(what_is_no_statement_is_refused), T(what_decode_would_refuse_is_not_written))
