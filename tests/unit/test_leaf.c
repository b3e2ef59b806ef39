/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/leaf.h"
#include "tests/unit/test.h"

static uint8_t room[ROTA_LEAF_MAX + 1];

static struct rota_leaf example(void)
{
	struct rota_leaf leaf = {
		.kind = ROTA_LEAF_GRANTED,
		.at_s = 0x0102030405060708,
		.version = 7,
		.scope = ROTA_STR("sensor"),
		.role = ROTA_STR("ci"),
		.path = ROTA_STR("ci/sensor/1.0.0/release.json"),
	};

	memset(leaf.key, 1, sizeof(leaf.key));
	memset(leaf.message, 2, sizeof(leaf.message));
	memset(leaf.digest, 3, sizeof(leaf.digest));
	memset(leaf.record, 4, sizeof(leaf.record));
	return leaf;
}

TEST(a_leaf_has_the_layout_of_the_spec_and_reads_back)
{
	struct rota_leaf leaf = example(), back;
	struct rota_span out;

	CHECK_OK(rota_leaf_encode(&leaf, ROTA_BUF(room), &out));
	CHECK_EQ(out.len, ROTA_LEAF_FIXED_LEN + 6 + 2 + 28);
	CHECK_MEM(
		out.p, "ROTALOG\x01\x04\x08\x07\x06\x05\x04\x03\x02\x01\x07\0\0\0\0\0\0\0\x01", 26);
	CHECK_MEM(out.p + 152,
		"\x04\x06sensor\x02"
		"ci\x1c\0ci/",
		15);
	CHECK_OK(rota_leaf_decode(out, &back));
	CHECK_EQ(back.kind, ROTA_LEAF_GRANTED);
	CHECK_EQ(back.at_s, leaf.at_s);
	CHECK_EQ(back.version, 7);
	CHECK_MEM(back.key, leaf.key, 32);
	CHECK_MEM(back.message, leaf.message, 32);
	CHECK_MEM(back.digest, leaf.digest, 32);
	CHECK_MEM(back.record, leaf.record, 32);
	CHECK(rota_span_eq(back.scope, leaf.scope) && rota_span_eq(back.role, leaf.role));
	CHECK(rota_span_eq(back.path, leaf.path));
}

TEST(names_may_be_empty_and_kinds_unknown)
{
	struct rota_leaf leaf = { .kind = 200 }, back;
	struct rota_span out;

	CHECK_OK(rota_leaf_encode(&leaf, ROTA_BUF(room), &out));
	CHECK_EQ(out.len, ROTA_LEAF_FIXED_LEN);
	CHECK_OK(rota_leaf_decode(out, &back));
	CHECK_EQ(back.kind, 200);
	CHECK_EQ(back.path.len, 0);
}

TEST(the_longest_leaf_fits)
{
	static uint8_t text[ROTA_LEAF_PATH_MAX + 1];
	struct rota_leaf leaf = { .scope = rota_span(text, ROTA_LEAF_NAME_MAX),
		.role = rota_span(text, ROTA_LEAF_NAME_MAX),
		.path = rota_span(text, ROTA_LEAF_PATH_MAX) };
	struct rota_span out;

	CHECK_OK(rota_leaf_encode(&leaf, rota_buf(room, ROTA_LEAF_MAX), &out));
	CHECK_OK(rota_leaf_decode(out, &leaf));
	CHECK_EQ(rota_leaf_encode(&leaf, rota_buf(room, out.len - 1), &out), ROTA_ERR_LIMIT);
	leaf.path.len++;
	CHECK_EQ(rota_leaf_encode(&leaf, ROTA_BUF(room), &out), ROTA_ERR_LIMIT);
	leaf.path.len = 0;
	leaf.role.len++;
	CHECK_EQ(rota_leaf_encode(&leaf, ROTA_BUF(room), &out), ROTA_ERR_LIMIT);
	leaf.role.len = 0;
	leaf.scope.len++;
	CHECK_EQ(rota_leaf_encode(&leaf, ROTA_BUF(room), &out), ROTA_ERR_LIMIT);
}

TEST(a_bad_leaf_is_refused)
{
	static const struct {
		const char *why;
		int at; /* byte to change; below 0: none */
		uint8_t to;
		int more; /* bytes added or taken away at the end */
		enum rota_err err;
	} rows[] = {
		{ "other magic", 6, 'g', 0, ROTA_ERR_FORMAT },
		{ "another format", 7, 2, 0, ROTA_ERR_UNSUPPORTED },
		{ "a byte behind", -1, 0, 1, ROTA_ERR_FORMAT },
		{ "a byte too few", -1, 0, -1, ROTA_ERR_FORMAT },
		{ "a scope longer than the leaf", 153, 0xff, 0, ROTA_ERR_FORMAT },
		{ "a path a byte shorter", 163, 27, 0, ROTA_ERR_FORMAT },
		{ "longer than any leaf", -1, 0, ROTA_LEAF_MAX + 1 - 193, ROTA_ERR_LIMIT },
	};
	struct rota_leaf leaf = example();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_leaf back;
		struct rota_span out;

		ROW(rows[i].why);
		memset(room, 0, sizeof(room));
		CHECK_OK(rota_leaf_encode(&leaf, ROTA_BUF(room), &out));
		CHECK_EQ(out.len, 193);
		if (rows[i].at >= 0)
			room[rows[i].at] = rows[i].to;
		out.len = (size_t)((int)out.len + rows[i].more);
		CHECK_EQ(rota_leaf_decode(out, &back), rows[i].err);
	}
}

/* A name longer than its limit, in a leaf that is short enough. */
TEST(a_long_name_is_over_the_limit)
{
	struct rota_leaf leaf = example(), back;
	struct rota_span out;
	size_t fixed = ROTA_LEAF_FIXED_LEN - 4; /* up to the length of scope */

	CHECK_OK(rota_leaf_encode(&leaf, ROTA_BUF(room), &out));
	memset(room + fixed, 0, sizeof(room) - fixed);
	room[fixed] = ROTA_LEAF_NAME_MAX + 1;
	CHECK_EQ(rota_leaf_decode(
			 rota_span(room, ROTA_LEAF_FIXED_LEN + ROTA_LEAF_NAME_MAX + 1), &back),
		ROTA_ERR_LIMIT);
}

TESTS(T(a_leaf_has_the_layout_of_the_spec_and_reads_back), T(names_may_be_empty_and_kinds_unknown),
	T(the_longest_leaf_fits), T(a_bad_leaf_is_refused), T(a_long_name_is_over_the_limit))
