/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/pack.h"
#include "tests/unit/test.h"

/* What came out: kind, length, bytes of each part. */
struct seen {
	uint8_t bytes[64];
	size_t len;
	uint8_t kinds[8];
	uint32_t lens[8];
	unsigned parts;
};

static enum rota_err on_part(void *ctx, enum rota_pack_kind kind, uint32_t len)
{
	struct seen *s = ctx;

	s->kinds[s->parts] = (uint8_t)kind;
	s->lens[s->parts++] = len;
	return len > 1000 ? ROTA_ERR_LIMIT : ROTA_OK;
}

static enum rota_err on_bytes(void *ctx, struct rota_span piece)
{
	struct seen *s = ctx;

	memcpy(&s->bytes[s->len], piece.p, piece.len);
	s->len += piece.len;
	return ROTA_OK;
}

/* Feed in pieces of `step`. */
static enum rota_err read_pack(struct rota_span pack, size_t step, struct seen *s)
{
	struct rota_pack_reader r;

	*s = (struct seen){ .len = 0 };
	rota_pack_begin(&r, (struct rota_pack_sink){ s, on_part, on_bytes });
	for (size_t at = 0; at < pack.len; at += step)
		ROTA_TRY(rota_pack_feed(&r, rota_span_slice(pack, at, step)));
	return rota_pack_end(&r);
}

TEST(a_pack_comes_apart_in_pieces_of_any_size)
{
	static const char pack[] = "ROTAREC1\x01\x03\0\0\0abc\x02\0\0\0\0\x04\x02\0\0\0yz";
	struct seen s;

	for (size_t step = 1; step < sizeof(pack); step++) {
		CHECK_OK(read_pack(ROTA_STR(pack), step, &s));
		CHECK_EQ(s.parts, 3);
		CHECK_EQ(s.kinds[0], ROTA_PACK_ORDER);
		CHECK_EQ(s.lens[0], 3);
		CHECK_EQ(s.kinds[1], ROTA_PACK_RECORD);
		CHECK_EQ(s.lens[1], 0);
		CHECK_EQ(s.kinds[2], ROTA_PACK_IMAGE);
		CHECK_EQ(s.len, 5);
		CHECK_MEM(s.bytes, "abcyz", 5);
	}
}

TEST(a_head_is_what_the_reader_reads)
{
	uint8_t head[ROTA_PACK_HEAD_LEN];

	rota_pack_head(ROTA_PACK_ROOT, 0x01020304, head);
	CHECK_MEM(head, "\x03\x04\x03\x02\x01", sizeof(head));
}

TEST(what_is_no_pack_is_refused)
{
	static const struct {
		const char *why;
		struct rota_span pack;
		enum rota_err err;
	} rows[] = {
		{ "nothing", { NULL, 0 }, ROTA_ERR_LENGTH },
		{ "another magic", { (const uint8_t *)"ROTAREC2\x01\0\0\0\0", 13 },
			ROTA_ERR_FORMAT },
		{ "no part", { (const uint8_t *)"ROTAREC1", 8 }, ROTA_ERR_LENGTH },
		{ "no order first", { (const uint8_t *)"ROTAREC1\x02\0\0\0\0", 13 },
			ROTA_ERR_FORMAT },
		{ "a kind twice", { (const uint8_t *)"ROTAREC1\x01\0\0\0\0\x01\0\0\0\0", 18 },
			ROTA_ERR_FORMAT },
		{ "an unknown kind", { (const uint8_t *)"ROTAREC1\x01\0\0\0\0\x05\0\0\0\0", 18 },
			ROTA_ERR_FORMAT },
		{ "half a head", { (const uint8_t *)"ROTAREC1\x01\0\0\0\0\x02", 14 },
			ROTA_ERR_LENGTH },
		{ "half a part", { (const uint8_t *)"ROTAREC1\x01\x02\0\0\0a", 14 },
			ROTA_ERR_LENGTH },
		{ "refused by the sink", { (const uint8_t *)"ROTAREC1\x01\0\0\x01\0", 13 },
			ROTA_ERR_LIMIT },
	};
	struct seen s;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].why);
		CHECK_EQ(read_pack(rows[i].pack, 100, &s), rows[i].err);
		CHECK_EQ(read_pack(rows[i].pack, 1, &s), rows[i].err);
	}
}

TESTS(T(a_pack_comes_apart_in_pieces_of_any_size), T(a_head_is_what_the_reader_reads),
	T(what_is_no_pack_is_refused))
