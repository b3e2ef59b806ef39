/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/base/crc32.h"
#include "rota/base/writer.h"
#include "rota/codec/rom.h"
#include "tests/unit/test.h"

static const uint8_t root_name[ROTA_ROM_ROOT_NAME_LEN] = { 0x00, 0x0B, 7 };
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

static struct rota_rom with_watchdog_and_counters(void)
{
	struct rota_rom rom = good();

	rom.watchdog = (struct rota_rom_watchdog){ 604800, 900, 7 };
	rom.nv_have = 1u << ROTA_COUNTER_SECURITY | 1u << ROTA_COUNTER_EPOCH;
	rom.nv[ROTA_COUNTER_SECURITY] = (struct rota_rom_counter){ 0x01800001, 7 };
	rom.nv[ROTA_COUNTER_EPOCH] = (struct rota_rom_counter){ 0x01800004, UINT64_MAX };
	return rom;
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
	CHECK_EQ(back.watchdog.period_s, 0);
	CHECK_EQ(back.nv_have, 0);
	CHECK_EQ(back.demand.len, 0);
	CHECK_EQ(back.rot, ROTA_ROT_NONE);
	CHECK_EQ(rota_rom_encode(&rom, rota_buf(room, record.len - 1), &record), ROTA_ERR_LIMIT);
}

TEST(a_watchdog_and_counters_go_both_ways)
{
	struct rota_rom rom = with_watchdog_and_counters(), back;
	uint8_t room[ROTA_ROM_MAX];
	struct rota_span record;

	CHECK_OK(rota_rom_encode(&rom, ROTA_BUF(room), &record));
	CHECK_OK(rota_rom_decode(record, &back));
	CHECK_EQ(back.watchdog.period_s, 604800);
	CHECK_EQ(back.watchdog.bound_s, 900);
	CHECK_EQ(back.watchdog.updater, 7);
	CHECK_EQ(back.nv_have, 9);
	CHECK_EQ(back.nv[ROTA_COUNTER_SECURITY].index, 0x01800001);
	CHECK_EQ(back.nv[ROTA_COUNTER_SECURITY].base, 7);
	CHECK_EQ(back.nv[ROTA_COUNTER_EPOCH].index, 0x01800004);
	CHECK(back.nv[ROTA_COUNTER_EPOCH].base == UINT64_MAX);
	CHECK_EQ(back.demand.len, 0);
	rom.demand = ROTA_STR("log and witnesses");
	CHECK_OK(rota_rom_encode(&rom, ROTA_BUF(room), &record));
	CHECK_OK(rota_rom_decode(record, &back));
	CHECK(rota_span_eq(back.demand, rom.demand));
	CHECK_EQ(rota_rom_encode(&rom, rota_buf(room, record.len - 1), &record), ROTA_ERR_LIMIT);
}

TEST(a_root_of_trust_goes_both_ways)
{
	static const enum rota_rot_kind kinds[] = { ROTA_ROT_TPM, ROTA_ROT_PKCS11, ROTA_ROT_SOFT };
	uint8_t room[ROTA_ROM_MAX];
	struct rota_span record;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct rota_rom rom = with_watchdog_and_counters(), back;

		rom.rot = kinds[i];
		if (kinds[i] == ROTA_ROT_TPM)
			rom.rot_name = ROTA_SPAN(root_name);
		CHECK_OK(rota_rom_encode(&rom, ROTA_BUF(room), &record));
		CHECK_OK(rota_rom_decode(record, &back));
		CHECK_EQ(back.rot, kinds[i]);
		CHECK(rota_span_eq(back.rot_name, rom.rot_name));
	}
}

TEST(every_cut_and_every_changed_bit_is_refused)
{
	struct rota_rom rom = with_watchdog_and_counters(), back;
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
	struct rota_rom rows[15];
	uint8_t room[ROTA_ROM_MAX];
	struct rota_span record;

	for (size_t i = 0; i < 15; i++)
		rows[i] = i < 8 ? good() : with_watchdog_and_counters();
	rows[0].product = ROTA_STR("Sensor");
	rows[1].hardware = ROTA_STR("");
	rows[2].key_count = 0;
	rows[3].key[1].hash.len = 31;
	rows[4].device_id.len = 63;
	rows[5].device_id = ROTA_STR("00112233445566778899AABBCCDDEEFF"
				     "00112233445566778899aabbccddeeff");
	rows[6].root_sha256.len = 0;
	rows[7].idevid_spki.len = 0;
	rows[8].watchdog.bound_s = 0;
	rows[9].watchdog.period_s = 0;
	rows[10].watchdog.updater = 8;
	rows[11].nv_have = 1u << ROTA_COUNTER_COUNT;
	rows[12].rot = ROTA_ROT_TPM;
	rows[13].rot = ROTA_ROT_SOFT;
	rows[13].rot_name = ROTA_SPAN(root_name);
	rows[14].rot = (enum rota_rot_kind)(ROTA_ROT_SOFT + 1);
	for (size_t i = 0; i < 15; i++)
		CHECK_EQ(rota_rom_encode(&rows[i], ROTA_BUF(room), &record), ROTA_ERR_ARGUMENT);
}

/* The fields of a good record as written, put together again in another way, with a right CRC. */
struct fields {
	uint8_t order[12]; /* ids, and those of spelled[]; 0 ends */
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

/* Fields that a good record does not have. */
static const struct {
	uint8_t id, len;
	uint8_t bytes[40];
} spelled[] = {
	{ 11, 4, { 11, 1, 0, 7 } }, /* log and witnesses, which are read elsewhere */
	{ 111, 3, { 11, 0, 0 } }, /* of none */
	{ 12, 38, { 12, 35, 0, 1 } }, /* keys in a TPM */
	{ 121, 4, { 12, 1, 0, 2 } }, /* in a token */
	{ 122, 4, { 12, 1, 0, 1 } }, /* in a TPM without a name */
	{ 123, 5, { 12, 2, 0, 3, 0 } }, /* in flash, with a byte more */
	{ 124, 4, { 12, 1, 0, 0 } }, /* nowhere */
	{ 125, 4, { 12, 1, 0, 4 } }, /* in what there is not */
	{ 126, 3, { 12, 0, 0 } }, /* of no kind */
	{ 13, 4, { 13, 1, 0, 0 } }, /* unknown */
	{ 66, 6, { 6, 3, 0, 1, 2, 3 } }, /* a counter of 3 bytes */
	{ 91, 12, { 9, 9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0 } }, /* a watchdog without a period */
	{ 92, 12, { 9, 9, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 } }, /* without a bound */
	{ 93, 12, { 9, 9, 0, 1, 0, 0, 0, 1, 0, 0, 0, 8 } }, /* for a component beyond a set */
	{ 94, 11, { 9, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0 } }, /* of 8 bytes */
	{ 95, 13, { 9, 10, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0 } }, /* of 10 bytes */
	{ 101, 3, { 10, 0, 0 } }, /* no counter */
	{ 102, 16, { 10, 13, 0, 4 } }, /* of an id that there is not */
	{ 103, 29, { 10, 26, 0, 1, [16] = 1 } }, /* twice the same */
	{ 104, 29, { 10, 26, 0, 1, [16] = 0 } }, /* ids fall */
	{ 105, 15, { 10, 12, 0, 1 } }, /* of 12 bytes */
};

static void write_field(struct rota_writer *w, struct rota_span record, uint8_t id)
{
	for (size_t i = 0; i < sizeof(spelled) / sizeof(spelled[0]); i++) {
		if (spelled[i].id == id) {
			rota_write_span(w, rota_span(spelled[i].bytes, spelled[i].len));
			return;
		}
	}
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
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, ROTA_OK, "a watchdog" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, ROTA_OK, "a watchdog and counters" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 10, 9 }, ROTA_ERR_FORMAT, "counters first" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 10, 10 }, ROTA_ERR_FORMAT, "counters twice" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 11 }, ROTA_OK, "log and witnesses" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 111 }, ROTA_ERR_FORMAT, "nobody demanded" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 12 }, ROTA_OK, "keys in a TPM" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 121 }, ROTA_OK, "keys in a token" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 12, 12 }, ROTA_ERR_FORMAT, "keys twice" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 122 }, ROTA_ERR_FORMAT, "a TPM without a name" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 123 }, ROTA_ERR_FORMAT, "a name of flash" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 124 }, ROTA_ERR_FORMAT, "keys nowhere" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 125 }, ROTA_ERR_FORMAT, "unknown root of trust" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 126 }, ROTA_ERR_FORMAT, "root of trust of no kind" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 13 }, ROTA_ERR_UNSUPPORTED, "unknown field" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 91 }, ROTA_ERR_FORMAT, "no period" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 92 }, ROTA_ERR_FORMAT, "no bound" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 93 }, ROTA_ERR_FORMAT, "no such component" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 94 }, ROTA_ERR_FORMAT, "watchdog cut short" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 95 }, ROTA_ERR_FORMAT, "watchdog too long" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 101 }, ROTA_ERR_FORMAT, "no counters" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 102 }, ROTA_ERR_FORMAT, "no such counter" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 103 }, ROTA_ERR_FORMAT, "a counter twice" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 104 }, ROTA_ERR_FORMAT, "counters fall" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 105 }, ROTA_ERR_FORMAT, "counter cut short" },
		{ { 0 }, ROTA_ERR_FORMAT, "no fields" },
	};
	struct rota_rom rom = with_watchdog_and_counters(), back;
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

TESTS(T(a_record_goes_both_ways), T(a_watchdog_and_counters_go_both_ways),
	T(a_root_of_trust_goes_both_ways), T(every_cut_and_every_changed_bit_is_refused),
	T(what_decode_would_refuse_is_not_encoded), T(fields_are_complete_known_and_in_order))
