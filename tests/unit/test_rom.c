/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/base/crc32.h"
#include "rota/base/writer.h"
#include "rota/codec/rom.h"
#include "tests/unit/test.h"

static const uint8_t digest[32] = { 1, 2, 3 }, raw[65] = { 4 }, spki[91] = { 0x30 };

static struct rota_rom good(void)
{
	struct rota_rom_key key = { ROTA_ALG_ECDSA_P256, ROTA_SPAN(digest), ROTA_SPAN(raw) };

	return (struct rota_rom){
		.product = ROTA_STR("sensor"),
		.hardware = ROTA_STR("demo-1"),
		.key_count = 2,
		.key = { key, key },
		.recovery_sha256 = ROTA_SPAN(digest),
		.device_id = ROTA_STR("00112233445566778899aabbccddeeff"
				      "00112233445566778899aabbccddeeff"),
		.counter = 0x01020304,
		.root_sha256 = ROTA_SPAN(digest),
		.idevid_spki = ROTA_SPAN(spki),
	};
}

TEST(a_record_goes_both_ways)
{
	struct rota_rom rom = good(), back;
	uint8_t room[ROTA_ROM_MAX];
	struct rota_span record;

	CHECK_OK(rota_rom_encode(&rom, ROTA_BUF(room), &record));
	CHECK_OK(rota_rom_decode(record, &back));
	CHECK(rota_span_eq(back.product, rom.product));
	CHECK(rota_span_eq(back.hardware, rom.hardware));
	CHECK_EQ(back.key_count, 2);
	CHECK_EQ(back.key[1].alg, ROTA_ALG_ECDSA_P256);
	CHECK(rota_span_eq(back.key[1].hash, rom.key[1].hash));
	CHECK(rota_span_eq(back.key[1].raw, rom.key[1].raw));
	CHECK(rota_span_eq(back.recovery_sha256, rom.recovery_sha256));
	CHECK(rota_span_eq(back.device_id, rom.device_id));
	CHECK_EQ(back.counter, 0x01020304);
	CHECK(rota_span_eq(back.root_sha256, rom.root_sha256));
	CHECK(rota_span_eq(back.idevid_spki, rom.idevid_spki));
	CHECK_EQ(rota_rom_encode(&rom, rota_buf(room, record.len - 1), &record), ROTA_ERR_LIMIT);
}

TEST(every_cut_and_every_changed_bit_is_refused)
{
	struct rota_rom rom = good(), back;
	uint8_t room[ROTA_ROM_MAX];
	struct rota_span record;

	CHECK_OK(rota_rom_encode(&rom, ROTA_BUF(room), &record));
	for (size_t len = 0; len < record.len; len++)
		CHECK(rota_rom_decode(rota_span(room, len), &back) != ROTA_OK);
	for (size_t bit = 0; bit < record.len * 8; bit++) {
		room[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK(rota_rom_decode(record, &back) != ROTA_OK);
		room[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	CHECK_OK(rota_rom_decode(record, &back));
}

TEST(what_decode_would_refuse_is_not_encoded)
{
	struct rota_rom rows[8];
	uint8_t room[ROTA_ROM_MAX];
	struct rota_span record;

	for (size_t i = 0; i < 8; i++)
		rows[i] = good();
	rows[0].product = ROTA_STR("Sensor");
	rows[1].hardware = ROTA_STR("");
	rows[2].key_count = 0;
	rows[3].key[1].hash.len = 31;
	rows[4].device_id.len = 63;
	rows[5].device_id = ROTA_STR("00112233445566778899AABBCCDDEEFF"
				     "00112233445566778899aabbccddeeff");
	rows[6].root_sha256.len = 0;
	rows[7].idevid_spki.len = 0;
	for (size_t i = 0; i < 8; i++)
		CHECK_EQ(rota_rom_encode(&rows[i], ROTA_BUF(room), &record), ROTA_ERR_ARGUMENT);
}

/* The fields of a good record as written, put together again in another way, with a right CRC. */
struct fields {
	uint8_t order
		[12]; /* ids; 0 ends; 9 is unknown; the counter's is 6, 66 stands for one of 3 bytes */
	enum rota_err want;
	const char *why;
};

static struct rota_span field_of(struct rota_span record, uint8_t id)
{
	for (size_t at = 8; at + 7 < record.len;) {
		size_t len = (size_t)(record.p[at + 1] | record.p[at + 2] << 8);

		if (record.p[at] == id)
			return rota_span_slice(record, at, 3 + len);
		at += 3 + len;
	}
	return rota_span(NULL, 0);
}

static void write_field(struct rota_writer *w, struct rota_span record, uint8_t id)
{
	static const uint8_t unknown[] = { 9, 1, 0, 0 }, counter[] = { 6, 3, 0, 1, 2, 3 };

	if (id == 9)
		rota_write_span(w, ROTA_SPAN(unknown));
	else if (id == 66)
		rota_write_span(w, ROTA_SPAN(counter));
	else
		rota_write_span(w, field_of(record, id));
}

TEST(fields_are_complete_known_and_in_order)
{
	static const struct fields rows[] = {
		{ { 1, 2, 3, 4, 5, 6, 7, 8 }, ROTA_OK, "good" },
		{ { 1, 2, 3, 3, 4, 5, 6, 7, 8 }, ROTA_OK, "two keys" },
		{ { 1, 2, 3, 3, 3, 4, 5, 6, 7, 8 }, ROTA_ERR_LIMIT, "three keys" },
		{ { 2, 1, 3, 4, 5, 6, 7, 8 }, ROTA_ERR_FORMAT, "out of order" },
		{ { 1, 1, 2, 3, 4, 5, 6, 7, 8 }, ROTA_ERR_FORMAT, "product twice" },
		{ { 1, 2, 4, 5, 6, 7, 8 }, ROTA_ERR_FORMAT, "no key" },
		{ { 1, 2, 3, 4, 5, 7, 8 }, ROTA_ERR_FORMAT, "no counter" },
		{ { 1, 2, 3, 4, 5, 66, 7, 8 }, ROTA_ERR_FORMAT, "counter of 3 bytes" },
		{ { 1, 2, 3, 4, 5, 6, 7 }, ROTA_ERR_FORMAT, "no IDevID" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, ROTA_ERR_UNSUPPORTED, "unknown field" },
		{ { 0 }, ROTA_ERR_FORMAT, "no fields" },
	};
	struct rota_rom rom = good(), back;
	uint8_t room[ROTA_ROM_MAX], again[ROTA_ROM_MAX];
	struct rota_span record;

	CHECK_OK(rota_rom_encode(&rom, ROTA_BUF(room), &record));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_writer w = rota_writer(ROTA_BUF(again));

		ROW(rows[i].why);
		rota_write_span(&w, rota_span_slice(record, 0, 8));
		for (const uint8_t *id = rows[i].order; *id != 0; id++)
			write_field(&w, record, *id);
		rota_write_le32(&w, rota_crc32(0, rota_writer_span(&w)));
		CHECK_EQ(rota_rom_decode(rota_writer_span(&w), &back), rows[i].want);
	}
}

TESTS(T(a_record_goes_both_ways), T(every_cut_and_every_changed_bit_is_refused),
	T(what_decode_would_refuse_is_not_encoded), T(fields_are_complete_known_and_in_order))
