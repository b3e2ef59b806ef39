/* SPDX-License-Identifier: Apache-2.0 */
/* The key journal's payload (SPEC 34.1): what is written is read by all later releases, and what cannot be is refused. */
#include "rota/store/keystate.h"
#include "tests/unit/test.h"

static uint8_t room[ROTA_KEYSTATE_LEN_MAX];
static struct rota_keystate in, out;

static struct rota_key_slot slot(uint8_t purpose, uint8_t state, uint32_t generation)
{
	struct rota_key_slot s = { .purpose = purpose,
		.state = state,
		.cipher = 2,
		.flags = state == ROTA_KEY_STAGED ? ROTA_KEY_SENT : ROTA_KEY_PROVED,
		.generation = generation,
		.activation_s = 0x1122334455,
		.until_s = 0x1122334456 };

	memset(s.campaign, 0xC0 + state, sizeof(s.campaign));
	memset(s.wrapped, 0xE0 + state, sizeof(s.wrapped));
	s.wrapped[0] = 1;
	return s;
}

static void empty(void)
{
	memset(&in, 0, sizeof(in));
	in.counter = 1;
	in.agree_next = ROTA_KEY_PLACE_NONE;
}

/* All that there is room for. */
static void fill(void)
{
	empty();
	in.binding = 7;
	in.counter = 8;
	in.statements = 9;
	in.opening = 10;
	in.wrap = 1;
	in.agree = 1;
	in.agree_next = 0;
	in.seen[ROTA_KEYS_LINK].sequence = 11;
	in.seen[ROTA_KEYS_STORE].sequence = 12;
	in.has_factory = true;
	in.factory[0] = ROTA_ROT_SEED;
	in.report = (struct rota_key_report){ .at_s = 13, .taken = true, .all = { 14 } };
	for (uint8_t purpose = 1; purpose <= 5; purpose++) {
		in.of[purpose - 1].highest = 33;
		in.of[purpose - 1].retired = 30;
		in.of[purpose - 1].used = 0x0123456789ABCDEF;
		for (uint8_t state = ROTA_KEY_STAGED; state >= ROTA_KEY_PREVIOUS; state--) {
			struct rota_key_slot s = slot(purpose, state, 30u + state);

			if (rota_keystate_put(&in, &s) != ROTA_OK)
				test_fail(__FILE__, __LINE__, "no room");
		}
	}
}

TEST(a_full_state_fits_a_journal_and_comes_back)
{
	struct rota_span payload, again;
	static uint8_t second[ROTA_KEYSTATE_LEN_MAX];

	fill();
	CHECK_EQ(in.slot_count, ROTA_KEY_SLOTS_MAX);
	CHECK_OK(rota_keystate_encode(&in, ROTA_BUF(room), &payload));
	CHECK_EQ(payload.len, 2045);
	CHECK_OK(rota_keystate_decode(payload, &out));
	CHECK_EQ(out.binding, 7);
	CHECK_EQ(out.agree_next, 0);
	CHECK_EQ(out.slot[14].generation, 33);
	CHECK(out.of[4].used == 0x0123456789ABCDEF);
	CHECK_EQ(out.report.at_s, 13);
	CHECK(out.report.taken);
	CHECK_EQ(out.report.all[0], 14);
	CHECK_OK(rota_keystate_encode(&out, ROTA_BUF(second), &again));
	CHECK(rota_span_eq(payload, again));
	CHECK_EQ(rota_keystate_encode(&in, rota_buf(room, 2044), &payload), ROTA_ERR_LIMIT);
}

/* Bytes as the first release wrote them. */
TEST(bytes_of_the_first_release_are_read)
{
	static const uint8_t fixture[] = {
		1, /* format */
		0x01, 20, 0, 5, 0, 0, 0, 1, 0, 0xFF, 0, 3, 0, 0, 0, 4, 0, 0, 0, 6, 0, 0, 0, /* */
		0x03, 9, 0, 3, 2, 0, 0, 0, 1, 0, 0, 0, /* */
		0x04, 117, 0, 3, 2, 1, 1, 2, 0, 0, 0, /* storage, active, AES-128, proved, 2 */
		0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* */
		0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA,
		0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA,
		0xAA, 0xAA, 0xAA, 0xAA, /* */
		1, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB,
		0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB,
		0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB,
		0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB,
		0xBB, 0xBB, 0xBB, 0xBB, 0xBB, /* */
		0x80, 9, 0, 3, 0, 0, 1, 0, 0, 0, 0, 0, /* */
	};
	struct rota_span payload;

	CHECK_OK(rota_keystate_decode(ROTA_SPAN(fixture), &out));
	CHECK_EQ(out.binding, 5);
	CHECK_EQ(out.wrap, 1);
	CHECK_EQ(out.counter, 3);
	CHECK_EQ(out.statements, 4);
	CHECK_EQ(out.opening, 6);
	CHECK_EQ(out.of[2].highest, 2);
	CHECK_EQ(out.of[2].retired, 1);
	CHECK(out.of[2].used == 65536);
	CHECK_EQ(out.slot[0].cipher, 1);
	CHECK_EQ(out.slot[0].activation_s, 16);
	CHECK_EQ(out.slot[0].wrapped[60], 0xBB);
	CHECK_OK(rota_keystate_encode(&out, ROTA_BUF(room), &payload));
	CHECK(rota_span_eq(payload, ROTA_SPAN(fixture)));
}

/* ---- what cannot be ---- */

static void no_counter(void)
{
	in.counter = 0;
}
static void wrap_place(void)
{
	in.wrap = 2;
}
static void agree_place(void)
{
	in.agree = 2;
}
static void next_in_force(void)
{
	in.agree_next = in.agree;
}
static void unknown_flag(void)
{
	in.flags = 4;
}
static void gone_with_slots(void)
{
	in.flags = ROTA_KEYS_GONE;
}
static void factory_elsewhere(void)
{
	in.factory[0] = ROTA_ROT_WRAP_0;
}
static void above_highest(void)
{
	in.of[0].highest = 32;
}
static void not_proved(void)
{
	in.slot[1].flags = ROTA_KEY_SENT;
}
static void slot_flag(void)
{
	in.slot[0].flags |= 2;
}
static void two_active(void)
{
	in.slot[2].state = ROTA_KEY_IN_USE;
}
static void falling(void)
{
	in.slot[0].generation = 32;
}
static void no_purpose(void)
{
	in.slot[0].purpose = 0;
}
static void purpose_nine(void)
{
	in.slot[14].purpose = 9;
}
static void cipher_three(void)
{
	in.slot[3].cipher = 3;
}
static void overlap_below(void)
{
	in.slot[2].until_s = in.slot[2].activation_s - 1;
}
static void under_the_seed(void)
{
	in.slot[0].wrapped[0] = ROTA_ROT_SEED;
}
static void too_many(void)
{
	in.slot_count = ROTA_KEY_SLOTS_MAX + 1;
}

TEST(a_state_that_cannot_be_is_not_written)
{
	static const struct {
		const char *what;
		void (*spoil)(void);
	} rows[] = {
		{ "agree keys count from 1", no_counter },
		{ "the seed is no place in force", wrap_place },
		{ "two agree places", agree_place },
		{ "the next key has a place of its own", next_in_force },
		{ "flag of a later release", unknown_flag },
		{ "a device that changed hands has no keys", gone_with_slots },
		{ "the factory secret is under the seed", factory_elsewhere },
		{ "a generation above the highest taken", above_highest },
		{ "an active key that was not proved", not_proved },
		{ "slot flag of a later release", slot_flag },
		{ "two active keys of a purpose", two_active },
		{ "a previous key newer than the active one", falling },
		{ "purpose 0", no_purpose },
		{ "purpose 9", purpose_nine },
		{ "an unknown cipher", cipher_three },
		{ "a use that ends before it begins", overlap_below },
		{ "a data key under the seed", under_the_seed },
		{ "more slots than there are", too_many },
	};
	struct rota_span payload;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].what);
		fill();
		rows[i].spoil();
		CHECK_EQ(rota_keystate_encode(&in, ROTA_BUF(room), &payload), ROTA_ERR_ARGUMENT);
		CHECK_EQ(payload.len, 0);
	}
}

/* The same from the other side: bytes of a full state, changed. */
TEST(bytes_that_cannot_be_are_refused)
{
	static const struct {
		const char *what;
		uint16_t at;
		uint8_t to;
		enum rota_err err;
	} rows[] = {
		{ "format", 0, 2, ROTA_ERR_UNSUPPORTED },
		{ "field of a later release", 1, 0x0B, ROTA_ERR_UNSUPPORTED },
		{ "field twice", 24, 0x01, ROTA_ERR_FORMAT },
		{ "field shorter", 2, 19, ROTA_ERR_FORMAT },
		{ "field longer", 2, 21, ROTA_ERR_FORMAT },
		{ "wrap place", 8, 2, ROTA_ERR_FORMAT },
		{ "flags", 11, 4, ROTA_ERR_FORMAT },
		{ "purpose 0 of the numbers", 110, 0, ROTA_ERR_FORMAT },
		{ "purpose 9 of the numbers", 146, 9, ROTA_ERR_FORMAT },
		{ "purposes not ascending", 119, 1, ROTA_ERR_FORMAT },
		{ "slot of no state", 159, 4, ROTA_ERR_FORMAT },
		{ "slot without generation", 162, 0, ROTA_ERR_FORMAT },
	};
	struct rota_span payload;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].what);
		fill();
		CHECK_OK(rota_keystate_encode(&in, ROTA_BUF(room), &payload));
		CHECK(room[rows[i].at] != rows[i].to);
		room[rows[i].at] = rows[i].to;
		CHECK_EQ(rota_keystate_decode(payload, &out), rows[i].err);
	}
}

TEST(every_prefix_is_refused_or_a_state)
{
	struct rota_span payload;
	enum rota_err err;

	fill();
	CHECK_OK(rota_keystate_encode(&in, ROTA_BUF(room), &payload));
	for (size_t len = 0; len < payload.len; len++) {
		err = rota_keystate_decode(rota_span(room, len), &out);
		/* Fields left out at the end: no report, no counts, no factory secret. */
		CHECK(err == ROTA_ERR_FORMAT || len == 1 + 23 + 83 + 48 + 1758 ||
			len == 1 + 23 + 83 + 48 + 1758 + 64 ||
			len == 1 + 23 + 83 + 48 + 1758 + 64 + 48 || len == 1 + 23 + 83 + 48 ||
			len == 1 + 23 + 83 || len == 1 + 23);
	}
	room[payload.len - 20] = 0xF0; /* an optional field of a later release */
	CHECK_OK(rota_keystate_decode(payload, &out));
	CHECK_EQ(out.report.at_s, 0);
}

TEST(a_field_comes_once)
{
	static uint8_t twice[1 + 23 + 23];
	struct rota_span payload;

	empty();
	CHECK_OK(rota_keystate_encode(&in, ROTA_BUF(room), &payload));
	memcpy(twice, room, 1 + 23);
	memcpy(&twice[1 + 23], &room[1], 23);
	CHECK_OK(rota_keystate_decode(rota_span(twice, 1 + 23), &out));
	CHECK_EQ(rota_keystate_decode(ROTA_SPAN(twice), &out), ROTA_ERR_FORMAT);
}

TEST(slots_are_found_by_state_and_by_generation)
{
	const struct rota_key_slot again = slot(2, ROTA_KEY_STAGED, 40);
	struct rota_key_slot more = slot(6, ROTA_KEY_STAGED, 1);

	fill();
	CHECK_EQ(rota_keystate_slot(&in, 2, ROTA_KEY_IN_USE)->generation, 32);
	CHECK(rota_keystate_generation(&in, 2, 31) ==
		rota_keystate_slot(&in, 2, ROTA_KEY_PREVIOUS));
	CHECK(rota_keystate_generation(&in, 2, 34) == NULL);
	CHECK(rota_keystate_slot(&in, 6, ROTA_KEY_IN_USE) == NULL);
	CHECK_OK(rota_keystate_put(&in, &again)); /* in the place of the staged one */
	CHECK_EQ(in.slot_count, 15);
	CHECK_EQ(in.slot[5].generation, 40);
	CHECK_EQ(rota_keystate_put(&in, &more), ROTA_ERR_FULL);
	rota_keystate_remove(&in, 2, ROTA_KEY_IN_USE);
	rota_keystate_remove(&in, 2, ROTA_KEY_IN_USE);
	CHECK_EQ(in.slot_count, 14);
	CHECK(rota_keystate_slot(&in, 2, ROTA_KEY_IN_USE) == NULL);
	CHECK_EQ(in.slot[4].generation, 40);
	CHECK_OK(rota_keystate_put(&in, &more));
	CHECK_EQ(in.slot[14].purpose, 6);
}

TESTS(T(a_full_state_fits_a_journal_and_comes_back), T(bytes_of_the_first_release_are_read),
	T(a_state_that_cannot_be_is_not_written), T(bytes_that_cannot_be_are_refused),
	T(every_prefix_is_refused_or_a_state), T(a_field_comes_once),
	T(slots_are_found_by_state_and_by_generation))
