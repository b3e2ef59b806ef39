/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/der.h"
#include "tests/unit/test.h"

struct bad {
	const char *why;
	uint8_t len;
	uint8_t der[24];
};

TEST(a_signature_goes_both_ways)
{
	/* r = 1; s has its top bit set, so DER puts a zero in front */
	static const uint8_t der[] = { 0x30, 0x08, 0x02, 0x01, 0x01, 0x02, 0x03, 0x00, 0x80, 0xFF };
	uint8_t raw[64], room[ROTA_DER_ECDSA_MAX];
	struct rota_span back;

	CHECK_OK(rota_der_ecdsa_decode(ROTA_SPAN(der), ROTA_BUF(raw)));
	CHECK_EQ(raw[30], 0);
	CHECK_EQ(raw[31], 1);
	CHECK_EQ(raw[61], 0);
	CHECK_EQ(raw[62], 0x80);
	CHECK_EQ(raw[63], 0xFF);
	CHECK_OK(rota_der_ecdsa_encode(ROTA_SPAN(raw), ROTA_BUF(room), &back));
	CHECK(rota_span_eq(back, ROTA_SPAN(der)));
}

TEST(the_largest_signatures_fit)
{
	uint8_t raw[96], again[96], room[ROTA_DER_ECDSA_MAX];
	struct rota_span der;

	memset(raw, 0xFF, sizeof(raw));
	CHECK_OK(rota_der_ecdsa_encode(ROTA_SPAN(raw), ROTA_BUF(room), &der));
	CHECK_EQ(der.len, ROTA_DER_ECDSA_MAX);
	CHECK_OK(rota_der_ecdsa_decode(der, ROTA_BUF(again)));
	CHECK_MEM(again, raw, sizeof(raw));
	CHECK_OK(rota_der_ecdsa_encode(rota_span(raw, 64), ROTA_BUF(room), &der));
	CHECK_EQ(der.len, 72);
	CHECK_EQ(rota_der_ecdsa_encode(rota_span(raw, 64), rota_buf(room, 71), &der),
		ROTA_ERR_LIMIT);
	CHECK_EQ(
		rota_der_ecdsa_encode(rota_span(raw, 63), ROTA_BUF(room), &der), ROTA_ERR_ARGUMENT);
}

TEST(bad_signatures_are_refused)
{
	static const struct bad rows[] = {
		{ "empty", 0, { 0 } },
		{ "not a sequence", 8, { 0x31, 6, 2, 1, 1, 2, 1, 1 } },
		{ "a byte after the sequence", 9, { 0x30, 6, 2, 1, 1, 2, 1, 1, 0 } },
		{ "the sequence says one more", 8, { 0x30, 7, 2, 1, 1, 2, 1, 1 } },
		{ "the sequence says one less", 8, { 0x30, 5, 2, 1, 1, 2, 1, 1 } },
		{ "a byte after s", 9, { 0x30, 7, 2, 1, 1, 2, 1, 1, 0 } },
		{ "no s", 5, { 0x30, 3, 2, 1, 1 } },
		{ "cut short", 7, { 0x30, 6, 2, 1, 1, 2, 1 } },
		{ "negative r", 8, { 0x30, 6, 2, 1, 0x81, 2, 1, 1 } },
		{ "needless zero in r", 9, { 0x30, 7, 2, 2, 0, 1, 2, 1, 1 } },
		{ "empty r", 7, { 0x30, 5, 2, 0, 2, 1, 1 } },
		{ "r is no integer", 8, { 0x30, 6, 4, 1, 1, 2, 1, 1 } },
		{ "long form of a short length", 9, { 0x30, 0x81, 6, 2, 1, 1, 2, 1, 1 } },
		{ "longer form of a short length", 10, { 0x30, 0x82, 0, 6, 2, 1, 1, 2, 1, 1 } },
		{ "indefinite length", 10, { 0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0 } },
		{ "length in three bytes", 11, { 0x30, 0x83, 0, 0, 6, 2, 1, 1, 2, 1, 1 } },
		{ "s cut short by a byte", 7, { 0x30, 5, 2, 1, 1, 2, 1 } },
		{ "negative s", 8, { 0x30, 6, 2, 1, 1, 2, 1, 0x80 } },
		{ "needless zero in s", 9, { 0x30, 7, 2, 1, 1, 2, 2, 0, 1 } },
		{ "tag of two bytes", 9, { 0x3F, 0x10, 6, 2, 1, 1, 2, 1, 1 } },
		{ "r longer than half", 12, { 0x30, 10, 2, 5, 1, 0, 0, 0, 0, 2, 1, 1 } },
	};
	uint8_t raw[8];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].why);
		CHECK_EQ(rota_der_ecdsa_decode(rota_span(rows[i].der, rows[i].len), ROTA_BUF(raw)),
			ROTA_ERR_FORMAT);
	}
}

TEST(integers_are_read)
{
	static const struct bad rows[] = {
		{ "negative", 3, { 2, 1, 0x81 } },
		{ "a needless zero", 4, { 2, 2, 0, 1 } },
		{ "empty", 2, { 2, 0 } },
		{ "too large", 5, { 2, 3, 1, 0, 0 } },
		{ "another tag", 3, { 4, 1, 1 } },
		{ "long form of a short length", 4, { 2, 0x81, 1, 1 } },
		{ "longer form of a short length", 5, { 2, 0x82, 0, 1, 1 } },
		{ "length in three bytes", 6, { 2, 0x83, 0, 0, 1, 1 } },
		{ "indefinite length", 5, { 2, 0x80, 1, 0, 0 } },
	};
	static const uint8_t good[] = { 2, 2, 0, 0x80, 2, 1, 0 };
	struct rota_reader r = rota_reader(ROTA_SPAN(good));
	uint8_t to[2] = { 9, 9 };

	rota_der_read_uint(&r, ROTA_BUF(to));
	CHECK_EQ(to[0] << 8 | to[1], 0x80);
	rota_der_read_uint(&r, ROTA_BUF(to));
	CHECK_EQ(to[0] << 8 | to[1], 0);
	CHECK_OK(rota_reader_end(&r));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].why);
		r = rota_reader(rota_span(rows[i].der, rows[i].len));
		rota_der_read_uint(&r, ROTA_BUF(to));
		CHECK_EQ(rota_reader_end(&r), ROTA_ERR_FORMAT);
	}
}

TEST(elements_are_walked)
{
	static const uint8_t der[] = { 0x01, 1, 0xFF, 0x03, 2, 0, 0xAA, 0x05, 0 };
	static const uint8_t bits[] = { 0x03, 2, 1, 0xAA };
	static const uint8_t long_tag[] = { 0x1F, 1, 0xAA };
	struct rota_reader r = rota_reader(ROTA_SPAN(der));
	struct rota_der first;
	struct rota_span content;

	CHECK_EQ(rota_der_peek(&r), ROTA_DER_BOOLEAN);
	first = rota_der_next(&r);
	CHECK_EQ(first.content.len, 1);
	CHECK_EQ(first.whole.len, 3);
	CHECK(first.whole.p == der);
	content = rota_der_read_bits(&r);
	CHECK_EQ(content.len, 1);
	CHECK_EQ(rota_der_read(&r, ROTA_DER_NULL).len, 0);
	CHECK_EQ(rota_der_peek(&r), 0);
	CHECK_OK(rota_reader_end(&r));

	r = rota_reader(ROTA_SPAN(bits)); /* unused bits */
	CHECK_EQ(rota_der_read_bits(&r).len, 0);
	CHECK_EQ(rota_reader_end(&r), ROTA_ERR_FORMAT);
	r = rota_reader(ROTA_SPAN(long_tag));
	CHECK_EQ(rota_der_next(&r).content.len, 0);
	CHECK_EQ(rota_reader_end(&r), ROTA_ERR_FORMAT);
	r = rota_reader(ROTA_SPAN(der)); /* another tag */
	CHECK_EQ(rota_der_read(&r, ROTA_DER_NULL).len, 0);
	CHECK_EQ(rota_reader_end(&r), ROTA_ERR_FORMAT);
}

TESTS(T(a_signature_goes_both_ways), T(the_largest_signatures_fit), T(bad_signatures_are_refused),
	T(integers_are_read), T(elements_are_walked))
