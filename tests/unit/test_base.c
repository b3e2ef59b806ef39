/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/base/crc32.h"
#include "rota/base/err.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "tests/unit/test.h"

TEST(reader_reads_what_the_writer_wrote)
{
	uint8_t room[32];
	struct rota_writer w = rota_writer(ROTA_BUF(room));
	struct rota_reader r;
	struct rota_span out;

	rota_write_u8(&w, 0x01);
	rota_write_le16(&w, 0x0203);
	rota_write_le32(&w, 0x04050607);
	rota_write_le64(&w, 0x08090a0b0c0d0e0f);
	rota_write_be64(&w, 0x1011121314151617);
	rota_write_span(&w, ROTA_STR("xyz"));
	CHECK_OK(rota_writer_end(&w, &out));
	CHECK_EQ(out.len, 26);
	CHECK_EQ(out.p[1], 0x03); /* little-endian: low byte first */

	r = rota_reader(out);
	CHECK_EQ(rota_read_u8(&r), 0x01);
	CHECK_EQ(rota_read_le16(&r), 0x0203);
	CHECK_EQ(rota_read_le32(&r), 0x04050607);
	CHECK_EQ(rota_read_le64(&r), 0x08090a0b0c0d0e0f);
	CHECK_EQ(rota_read_be64(&r), 0x1011121314151617);
	CHECK(rota_span_eq(rota_read_span(&r, 3), ROTA_STR("xyz")));
	CHECK_OK(rota_reader_end(&r));
}

TEST(reader_error_sticks)
{
	static const uint8_t in[3] = { 1, 2, 3 };
	struct rota_reader r = rota_reader(ROTA_SPAN(in));
	uint8_t copy[2] = { 9, 9 };

	CHECK_EQ(rota_read_le32(&r), 0); /* one byte too few */
	CHECK_EQ(rota_read_u8(&r), 0); /* would fit, but the reader has failed */
	rota_read_bytes(&r, ROTA_BUF(copy));
	CHECK_EQ(copy[0], 0);
	CHECK_EQ(rota_reader_end(&r), ROTA_ERR_FORMAT);
}

TEST(reader_refuses_trailing_bytes)
{
	static const uint8_t in[2] = { 1, 2 };
	struct rota_reader r = rota_reader(ROTA_SPAN(in));

	CHECK_EQ(rota_read_u8(&r), 1);
	CHECK_EQ(rota_reader_end(&r), ROTA_ERR_FORMAT);
}

TEST(writer_never_passes_its_room)
{
	uint8_t room[5] = { 0, 0, 0, 0, 0x77 };
	struct rota_writer w = rota_writer(rota_buf(room, 4));
	struct rota_span out;

	rota_write_le32(&w, 0xffffffff);
	rota_write_u8(&w, 1);
	CHECK_EQ(room[4], 0x77);
	CHECK_EQ(rota_writer_end(&w, &out), ROTA_ERR_LIMIT);
	CHECK_EQ(out.len, 0);
}

TEST(span_order_is_by_bytes_then_length)
{
	CHECK(rota_span_cmp(ROTA_STR("a"), ROTA_STR("b")) < 0);
	CHECK(rota_span_cmp(ROTA_STR("a"), ROTA_STR("aa")) < 0);
	CHECK(rota_span_cmp(ROTA_STR("\xc3"), ROTA_STR("z")) > 0); /* unsigned bytes */
	CHECK(rota_span_cmp(ROTA_STR(""), ROTA_STR("")) == 0);
	CHECK(rota_span_starts(ROTA_STR("ab"), ROTA_STR("a")));
	CHECK(!rota_span_starts(ROTA_STR("a"), ROTA_STR("ab")));
}

TEST(constant_time_compare_compares)
{
	CHECK(rota_mem_equal_ct("abc", "abc", 3));
	CHECK(!rota_mem_equal_ct("abc", "abd", 3));
	CHECK(!rota_mem_equal_ct("abc", "bbc", 3));
}

TEST(crc32_has_its_check_value)
{
	uint32_t crc = rota_crc32(0, ROTA_STR("12345"));

	CHECK_EQ(rota_crc32(0, ROTA_STR("123456789")), 0xCBF43926);
	CHECK_EQ(rota_crc32(crc, ROTA_STR("6789")), 0xCBF43926); /* in pieces */
	CHECK_EQ(rota_crc32(0, ROTA_STR("")), 0);
}

TEST(every_error_has_a_class_and_a_sentence)
{
	for (int e = 0; e < ROTA_ERR_COUNT; e++)
		CHECK(rota_err_str((enum rota_err)e) != NULL);
	CHECK_EQ(rota_err_class(ROTA_ERR_NET), ROTA_CLASS_RETRY);
	CHECK_EQ(rota_err_class(ROTA_ERR_DENIED), ROTA_CLASS_REFUSED);
	CHECK_EQ(rota_err_class(ROTA_ERR_LIMIT), ROTA_CLASS_MALFORMED);
	CHECK_EQ(rota_err_class(ROTA_ERR_CORRUPT), ROTA_CLASS_STORAGE);
	CHECK_EQ(rota_err_class(ROTA_ERR_STATE), ROTA_CLASS_BUG);
}

TESTS(T(reader_reads_what_the_writer_wrote), T(reader_error_sticks),
	T(reader_refuses_trailing_bytes), T(writer_never_passes_its_room),
	T(span_order_is_by_bytes_then_length), T(constant_time_compare_compares),
	T(crc32_has_its_check_value), T(every_error_has_a_class_and_a_sentence))
