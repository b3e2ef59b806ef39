/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/measure.h"
#include "boot/keys.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/writer.h"
#include "tests/unit/test.h"

static const uint8_t image_digest[32] = { 9, 8, 7 }, order_digest[32] = { 5 };
static uint8_t room[ROTA_RECORD_MAX + 128];

static struct rota_record full(void)
{
	struct rota_image_info info = { .version = 0x0102000300000004, .counter = 6 };
	struct rota_record r = {
		.anchors = { 1, 2, 3 },
		.hardware = 1u << ROTA_COUNTER_SECURITY,
		.unreadable = 1u << ROTA_COUNTER_KEYS,
		.restored = true,
		.counter = 5,
		.epoch = 0x01020304,
		.key_floor = 1,
		.has_order = true,
		.kind = ROTA_BOOT_REVERTED,
		.updater = true,
	};

	memcpy(r.order, order_digest, 32);
	memcpy(info.digest, image_digest, 32);
	for (uint8_t i = 0; i < ROTA_SET_MAX; i++)
		rota_record_member(&r, i & 1, &info, (uint8_t)(1u << ROTA_BOOT_KEY_ORDER | i));
	return r;
}

static struct rota_record plain(void)
{
	struct rota_record r = full();

	r.has_order = r.restored = r.updater = false;
	memset(r.order, 0, sizeof(r.order));
	memset(&r.member[1], 0, sizeof(r.member) - sizeof(r.member[0]));
	r.count = 1;
	return r;
}

TEST(a_record_goes_both_ways)
{
	struct rota_record rows[2] = { full(), plain() }, back;
	struct rota_span out;

	for (int i = 0; i < 2; i++) {
		CHECK_OK(rota_record_encode(&rows[i], ROTA_BUF(room), &out));
		CHECK(out.len <= ROTA_RECORD_MAX && (i == 1 || out.len == ROTA_RECORD_MAX));
		CHECK_OK(rota_record_decode(out, &back));
		CHECK_EQ(back.count, rows[i].count);
		CHECK_MEM(back.anchors, rows[i].anchors, 32);
		CHECK_EQ(back.hardware, 1);
		CHECK_EQ(back.unreadable, 4);
		CHECK_EQ(back.restored, i == 0);
		CHECK_EQ(back.counter, 5);
		CHECK_EQ(back.epoch, 0x01020304);
		CHECK_EQ(back.key_floor, 1);
		CHECK_EQ(back.has_order, i == 0);
		CHECK_MEM(back.order, rows[i].order, 32);
		CHECK_EQ(back.kind, ROTA_BOOT_REVERTED);
		CHECK_EQ(back.updater, i == 0);
		for (int m = 0; m < back.count; m++) {
			CHECK_EQ(back.member[m].place, m & 1);
			CHECK_EQ(back.member[m].keys, 0x80 | m);
			CHECK_EQ(back.member[m].counter, 6);
			CHECK(back.member[m].version == 0x0102000300000004);
			CHECK_MEM(back.member[m].digest, image_digest, 32);
		}
		CHECK_EQ(rota_record_encode(&rows[i], rota_buf(room, out.len - 1), &out),
			ROTA_ERR_LIMIT);
	}
}

TEST(a_ninth_member_is_left_out)
{
	struct rota_record r = full();
	struct rota_image_info info = { .counter = 1 };

	rota_record_member(&r, 0, &info, 1);
	CHECK_EQ(r.count, ROTA_SET_MAX);
	CHECK_EQ(r.member[7].counter, 6);
}

/* Whether an encoded record with the byte at `at` changed to `to` is refused, or read as something else. */
static bool told_apart(struct rota_span record, size_t at, uint8_t bit)
{
	struct rota_record was, is;
	bool apart;

	if (rota_record_decode(record, &was) != ROTA_OK)
		return false;
	room[at] ^= bit;
	apart = rota_record_decode(record, &is) != ROTA_OK || memcmp(&was, &is, sizeof(was)) != 0;
	room[at] ^= bit;
	return apart;
}

TEST(every_cut_and_every_bit_tells)
{
	struct rota_record r = plain();
	struct rota_record_chain before, after;
	struct rota_span out;

	CHECK_OK(rota_record_encode(&r, ROTA_BUF(room), &out));
	for (size_t len = 0; len < out.len; len++)
		CHECK_EQ(rota_record_decode(rota_span(room, len), &r), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_record_decode(rota_span(room, out.len + 1), &r), ROTA_ERR_FORMAT);
	CHECK_OK(rota_record_measure(out, &rota_crypto_openssl, &before));
	for (size_t bit = 0; bit < out.len * 8; bit++) {
		uint8_t mask = (uint8_t)(1u << bit % 8);

		CHECK(told_apart(out, bit / 8, mask));
		room[bit / 8] ^= mask;
		if (rota_record_measure(out, &rota_crypto_openssl, &after) == ROTA_OK)
			CHECK(memcmp(before.chain, after.chain, 32) != 0);
		room[bit / 8] ^= mask;
	}
	room[7]++;
	CHECK_EQ(rota_record_decode(out, &r), ROTA_ERR_UNSUPPORTED);
}

TEST(entries_stand_in_their_order_each_once)
{
	/* Kinds of entries; a member's number is told by its place among the members. */
	static const struct {
		uint8_t kinds[13]; /* 0 ends */
		enum rota_err want;
	} rows[] = {
		{ { 1, 2, 4, 5 }, ROTA_OK },
		{ { 1, 2, 3, 4, 4, 5 }, ROTA_OK },
		{ { 1, 2, 4, 4, 4, 4, 4, 4, 4, 4, 5 }, ROTA_OK },
		{ { 1, 2, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5 }, ROTA_ERR_FORMAT }, /* nine */
		{ { 2, 4, 5 }, ROTA_ERR_FORMAT },
		{ { 1, 4, 5 }, ROTA_ERR_FORMAT },
		{ { 1, 2, 5 }, ROTA_ERR_FORMAT },
		{ { 1, 2, 4 }, ROTA_ERR_FORMAT },
		{ { 1, 2, 4, 3, 5 }, ROTA_ERR_FORMAT },
		{ { 1, 2, 3, 3, 4, 5 }, ROTA_ERR_FORMAT },
		{ { 1, 2, 2, 4, 5 }, ROTA_ERR_FORMAT },
		{ { 1, 1, 2, 4, 5 }, ROTA_ERR_FORMAT },
		{ { 2, 1, 4, 5 }, ROTA_ERR_FORMAT },
		{ { 1, 2, 4, 5, 5 }, ROTA_ERR_FORMAT },
		{ { 1, 2, 4, 5, 6 }, ROTA_ERR_FORMAT },
		{ { 1, 2, 4, 5, 4 }, ROTA_ERR_FORMAT },
	};
	static const uint8_t lens[] = { 0, 32, 12, 32, 47, 2, 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_writer w = rota_writer(ROTA_BUF(room));
		struct rota_record r;
		uint8_t members = 0;

		rota_write_span(&w, ROTA_STR("ROTAMBR\x01"));
		for (const uint8_t *kind = rows[i].kinds; *kind != 0; kind++) {
			rota_write_u8(&w, *kind);
			rota_write_le16(&w, lens[*kind]);
			if (*kind == 4)
				rota_write_u8(&w, members++);
			rota_write_fill(&w, 0, lens[*kind] - (*kind == 4 ? 1u : 0u));
		}
		CHECK_EQ(rota_record_decode(rota_writer_span(&w), &r), rows[i].want);
	}
}

TEST(the_chain_is_what_a_pcr_would_be)
{
	struct rota_record r = plain();
	struct rota_record_chain chain;
	uint8_t pcr[64] = { 0 };
	struct rota_span out;
	size_t at = 8;

	CHECK_OK(rota_record_encode(&r, ROTA_BUF(room), &out));
	CHECK_OK(rota_record_measure(out, &rota_crypto_openssl, &chain));
	CHECK_EQ(chain.count, 4);
	for (int i = 0; i < chain.count; i++) {
		size_t len = 3u + room[at + 1];

		rota_sha256_of(&rota_crypto_openssl, rota_span(room + at, len), pcr + 32);
		CHECK_MEM(chain.entry[i], pcr + 32, 32);
		rota_sha256_of(&rota_crypto_openssl, ROTA_SPAN(pcr), pcr);
		at += len;
	}
	CHECK_EQ(at, out.len);
	CHECK_MEM(chain.chain, pcr, 32);
}

TEST(what_decode_would_refuse_is_not_encoded)
{
	struct rota_record rows[7];
	struct rota_span out;

	for (int i = 0; i < 7; i++)
		rows[i] = full();
	rows[0].count = 0;
	rows[1].count = ROTA_SET_MAX + 1;
	rows[2].kind = ROTA_BOOT_FALLBACK + 1;
	rows[3].hardware = 1u << ROTA_COUNTER_COUNT;
	rows[4].unreadable = 1u << ROTA_COUNTER_COUNT;
	rows[5].unreadable = rows[5].hardware;
	rows[6].member[7].place = 2;
	for (int i = 0; i < 7; i++)
		CHECK_EQ(rota_record_encode(&rows[i], ROTA_BUF(room), &out), ROTA_ERR_ARGUMENT);
}

TEST(the_numbers_in_force_and_where_they_come_from)
{
	struct rota_bootstate state;
	struct rota_rom rom = { .key_count = 0 };
	struct rota_burn_facts facts;
	struct rota_record r = { 0 };

	rota_bootstate_init(&state, 3, image_digest);
	rota_burn_begin(&facts, NULL, &rom);
	rota_record_numbers(&r, &state, &facts);
	CHECK_EQ(r.hardware, 0);
	CHECK_EQ(r.counter, 3);
	CHECK(!r.has_order);

	facts.number[ROTA_COUNTER_SECURITY] = (struct rota_burn_number){
		.source = ROTA_BURN_HARDWARE, .now = 7, .last = UINT32_MAX
	};
	facts.number[ROTA_COUNTER_EPOCH].source = ROTA_BURN_UNREADABLE;
	state.epoch = 2;
	state.order_place = 1;
	memcpy(state.order, order_digest, 32);
	rota_record_numbers(&r, &state, &facts);
	CHECK_EQ(r.hardware, 1u << ROTA_COUNTER_SECURITY);
	CHECK_EQ(r.unreadable, 1u << ROTA_COUNTER_EPOCH);
	CHECK_EQ(r.counter, 7);
	CHECK_EQ(r.epoch, 2);
	CHECK(r.has_order);
	CHECK_MEM(r.order, order_digest, 32);
}

static struct rota_rom rom_with(const char *product, const char *hardware)
{
	struct rota_rom_key key = { ROTA_ALG_ECDSA_P256, ROTA_SPAN(image_digest),
		ROTA_SPAN(image_digest) };

	return (struct rota_rom){
		.product = rota_span(product, strlen(product)),
		.hardware = rota_span(hardware, strlen(hardware)),
		.key_count = 1,
		.key = { key, key },
		.recovery_sha256 = ROTA_SPAN(order_digest),
	};
}

TEST(anchors_are_of_what_decides)
{
	struct rota_rom base = rom_with("ab", "c"), other[8];
	uint8_t was[32], is[32];

	rota_record_anchors(&base, &rota_crypto_openssl, was);
	for (int i = 0; i < 8; i++)
		other[i] = base;
	other[0] = rom_with("a", "bc");
	other[1].key_count = 2;
	other[2].key[0].alg = ROTA_ALG_ED25519;
	other[3].key[0].hash = ROTA_SPAN(order_digest);
	other[4].recovery_sha256 = ROTA_SPAN(image_digest);
	other[5].counter = 1;
	other[6].watchdog.period_s = 1;
	other[7].watchdog.bound_s = 1;
	for (int i = 0; i < 8; i++) {
		rota_record_anchors(&other[i], &rota_crypto_openssl, is);
		CHECK(memcmp(was, is, 32) != 0);
	}
	base.device_id = ROTA_STR("another device of the same kind");
	rota_record_anchors(&base, &rota_crypto_openssl, is);
	CHECK_MEM(was, is, 32);
}

TESTS(T(a_record_goes_both_ways), T(a_ninth_member_is_left_out), T(every_cut_and_every_bit_tells),
	T(entries_stand_in_their_order_each_once), T(the_chain_is_what_a_pcr_would_be),
	T(what_decode_would_refuse_is_not_encoded),
	T(the_numbers_in_force_and_where_they_come_from), T(anchors_are_of_what_decides))
