/* SPDX-License-Identifier: Apache-2.0 */
/* The device state as bytes. The fixtures are payloads of the release that their name says: they are never
 * changed, and every later release reads them. */
#include "rota/store/state.h"
#include "rota/base/mem.h"
#include "rota/store/journal.h"
#include "tests/unit/test.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define TWO(a) (a), (a)
#define FOUR(a) TWO(a), TWO(a)
#define EIGHT(a) FOUR(a), FOUR(a)
#define DIGEST(a) EIGHT(a), EIGHT(a), EIGHT(a), EIGHT(a)
#define U64(a) (a), 0, 0, 0, 0, 0, 0, 0

/* Release 0.1.0: as it left the factory. */
static const uint8_t factory_0_1_0[] = {
	1, /* format */
	0x01, 48, 0, U64(1), DIGEST(0xaa), U64(7), /* root */
	0x07, 49, 0, DIGEST(0), U64(0x10), U64(0), 0, /* installed */
	0x0b, 8, 0, U64(1), /* next event */
};

/* Release 0.1.0: every field once. */
static const uint8_t full_0_1_0[] = {
	1, 0x01, 48, 0, U64(3), DIGEST(0xaa), U64(7), /* root */
	0x02, 73, 0, U64(4), U64(5), U64(6), U64(8), U64(9), 1, DIGEST(0xbb), /* timestamp */
	0x03, 40, 0, U64(10), DIGEST(0xcc), /* snapshot */
	0x04, 50, 0, EIGHT(0x11), U64(11), 2, EIGHT(0x21), EIGHT(0x22), /* floors: */
	EIGHT(0x12), U64(12), 0, /* a second one, without keys */
	0x05, 40, 0, U64(13), DIGEST(0xdd), /* policy */
	0x06, 33, 0, DIGEST(0xee), 2, /* admission */
	0x07, 57, 0, DIGEST(0x31), U64(14), U64(15), 1, U64(16), /* installed */
	0x08, 16, 0, EIGHT(0x41), U64(14), /* components */
	0x09, 110, 0, DIGEST(0x32), U64(17), 3, 1, 0, U64(18), 5, 1, U64(19), /* pending */
	1, EIGHT(0x42), EIGHT(0x43), DIGEST(0x44), /* and its component */
	0x0a, 42, 0, DIGEST(0x33), 4, 2, U64(20), /* failed */
	0x0b, 8, 0, U64(21), /* next event */
	0x80, 8, 0, EIGHT(0x51), /* refusal */
};

/* Release 0.2.0: what it added. */
static const uint8_t full_0_2_0[] = {
	1, 0x01, 48, 0, U64(3), DIGEST(0xaa), U64(7), /* root */
	0x07, 49, 0, DIGEST(0), U64(0x10), U64(0), 0, /* installed */
	0x0b, 8, 0, U64(21), /* next event */
	0x0c, 13, 0, 22, 0, 0, 0, 1, U64(23), /* binding */
	0x0d, 45, 0, U64(24), DIGEST(0x61), 25, 0, 0, 0, 1, /* retirements */
	0x0e, 40, 0, U64(26), DIGEST(0x62), /* revocations */
	0x0f, 40, 0, U64(27), DIGEST(0x63), /* device log */
	0x10, 37, 0, 28, 0, 0, 0, DIGEST(0x64), 2, /* recovery order */
	0x80, 8, 0, EIGHT(0x51), /* refusal */
	0x81, 1, 0, 3, /* troubles told */
};

static enum rota_err recode(struct rota_span in, struct rota_buf room, struct rota_span *out)
{
	static struct rota_state s;

	*out = rota_span(NULL, 0);
	ROTA_TRY(rota_state_decode(in, &s));
	return rota_state_encode(&s, room, out);
}

TEST(a_factory_s_state_is_the_fixture)
{
	static struct rota_state s;
	uint8_t room[ROTA_STATE_LEN_MAX], digest[32];
	struct rota_span out;

	memset(digest, 0xaa, sizeof(digest));
	rota_state_factory(&s, 1, digest, 7, 0x10);
	CHECK_OK(rota_state_encode(&s, ROTA_BUF(room), &out));
	CHECK(rota_span_eq(out, ROTA_SPAN(factory_0_1_0)));
	CHECK_OK(recode(ROTA_SPAN(factory_0_1_0), ROTA_BUF(room), &out));
	CHECK(rota_span_eq(out, ROTA_SPAN(factory_0_1_0)));
}

TEST(every_field_is_read_and_written_back)
{
	static struct rota_state s;
	uint8_t room[ROTA_STATE_LEN_MAX];
	struct rota_span out;

	CHECK_OK(rota_state_decode(ROTA_SPAN(full_0_1_0), &s));
	CHECK_EQ(s.trusted.root.version, 3);
	CHECK_EQ(s.trusted.time_floor_s, 7);
	CHECK_EQ(s.trusted.timestamp_version, 4);
	CHECK_EQ(s.trusted.timestamp_expires_s, 5);
	CHECK_EQ(s.trusted.timestamp_issued_s, 6);
	CHECK_EQ(s.trusted.listed.version, 8);
	CHECK_EQ(s.trusted.listed.length, 9);
	CHECK(s.trusted.listed.has_sha256 && s.trusted.listed.sha256[31] == 0xbb);
	CHECK_EQ(s.trusted.snapshot.version, 10);
	CHECK_EQ(s.floors.floor[0].version, 11);
	CHECK_EQ(s.floors.floor[0].keys[1][7], 0x22);
	CHECK_EQ(s.floors.floor[1].version, 12);
	CHECK_EQ(s.policy_sequence, 13);
	CHECK_EQ(s.admission.attempt, 2);
	CHECK_EQ(s.installed.version, 14);
	CHECK_EQ(s.installed.previous_version, 15);
	CHECK_EQ(s.installed.revert_to[0], 16);
	CHECK_EQ(s.installed.component[0].version, 14);
	CHECK_EQ(s.pending.version, 17);
	CHECK_EQ(s.pending.attempt, 3);
	CHECK_EQ(s.pending.phase, ROTA_INSTALL_WRITING);
	CHECK_EQ(s.pending.offset, 18);
	CHECK_EQ(s.pending.reboots, 5);
	CHECK_EQ(s.pending.components[0].slot[0], 0x43);
	CHECK_EQ(s.failed.tries, 2);
	CHECK_EQ(s.failed.at_s, 20);
	CHECK_EQ(s.next_seq, 21);
	CHECK_EQ(s.refused[0], 0x51);
	CHECK_OK(rota_state_encode(&s, ROTA_BUF(room), &out));
	CHECK(rota_span_eq(out, ROTA_SPAN(full_0_1_0)));
}

TEST(what_the_second_release_added_is_read_and_written_back)
{
	static struct rota_state s;
	uint8_t room[ROTA_STATE_LEN_MAX];
	struct rota_span out;

	CHECK_OK(rota_state_decode(ROTA_SPAN(full_0_2_0), &s));
	CHECK_EQ(s.bound.binding, 22);
	CHECK(s.bound.restored);
	CHECK_EQ(s.bound.since_s, 23);
	CHECK_EQ(s.retired.sequence, 24);
	CHECK_EQ(s.retired.sha256[0], 0x61);
	CHECK_EQ(s.retired.counter_floor, 25);
	CHECK_EQ(s.retired.key_floor, 1);
	CHECK_EQ(s.revoked.sequence, 26);
	CHECK_EQ(s.revoked.sha256[31], 0x62);
	CHECK_EQ(s.logged.count, 27);
	CHECK_EQ(s.logged.head[1], 0x63);
	CHECK_EQ(s.ordered.epoch, 28);
	CHECK_EQ(s.ordered.sha256[2], 0x64);
	CHECK_EQ(s.ordered.phase, 2);
	CHECK_EQ(s.refused[7], 0x51);
	CHECK_EQ(s.told, 3);
	CHECK_OK(rota_state_encode(&s, ROTA_BUF(room), &out));
	CHECK(rota_span_eq(out, ROTA_SPAN(full_0_2_0)));
}

/* Put one more field behind the factory's. */
static struct rota_span with_field(uint8_t *room, uint8_t id, uint16_t len)
{
	size_t at = sizeof(factory_0_1_0);

	memcpy(room, factory_0_1_0, at);
	room[at++] = id;
	room[at++] = (uint8_t)len;
	room[at++] = (uint8_t)(len >> 8);
	memset(room + at, 0x77, len);
	return rota_span(room, at + len);
}

TEST(fields_of_a_later_release_are_kept_if_their_id_says_so)
{
	uint8_t in[1024], room[ROTA_STATE_LEN_MAX];
	struct rota_span out, later;

	later = with_field(in, 0x83, 5);
	CHECK_OK(recode(later, ROTA_BUF(room), &out));
	CHECK(rota_span_eq(out, later));
	later = with_field(in, 0xff, ROTA_STATE_UNKNOWN_MAX - 3);
	CHECK_OK(recode(later, ROTA_BUF(room), &out));
	CHECK(rota_span_eq(out, later));
	later = with_field(in, 0xff, ROTA_STATE_UNKNOWN_MAX - 2);
	CHECK_EQ(recode(later, ROTA_BUF(room), &out), ROTA_ERR_UNSUPPORTED);
	later = with_field(in, 0x7f, 5);
	CHECK_EQ(recode(later, ROTA_BUF(room), &out), ROTA_ERR_UNSUPPORTED);
	/* behind a known optional one */
	memcpy(in, full_0_1_0, sizeof(full_0_1_0));
	memcpy(in + sizeof(full_0_1_0), "\x90\x01\x00z", 4);
	later = rota_span(in, sizeof(full_0_1_0) + 4);
	CHECK_OK(recode(later, ROTA_BUF(room), &out));
	CHECK(rota_span_eq(out, later));
	/* but not twice, nor out of order */
	memcpy(in + sizeof(full_0_1_0) + 4, "\x90\x01\x00z", 4);
	later = rota_span(in, sizeof(full_0_1_0) + 8);
	CHECK_EQ(recode(later, ROTA_BUF(room), &out), ROTA_ERR_CORRUPT);
	in[sizeof(full_0_1_0) + 4] = 0x8f;
	CHECK_EQ(recode(later, ROTA_BUF(room), &out), ROTA_ERR_CORRUPT);
}

TEST(the_fullest_state_fits_a_journal)
{
	static struct rota_state s;
	uint8_t room[ROTA_STATE_LEN_MAX];
	struct rota_span out;

	memset(&s, 0xff, sizeof(s));
	s.trusted.listed.has_sha256 = s.bound.restored = true;
	for (size_t i = 0; i < ROTA_FLOORS_MAX; i++)
		s.floors.floor[i].key_count = ROTA_FLOOR_KEYS_MAX;
	s.installed.revert_to_count = s.pending.revert_to_count = ROTA_STATE_REVERT_MAX;
	s.installed.component_count = s.pending.component_count = ROTA_STATE_COMPONENTS_MAX;
	s.unknown_len = ROTA_STATE_UNKNOWN_MAX;
	CHECK_OK(rota_state_encode(&s, ROTA_BUF(room), &out));
	CHECK_EQ(out.len, 1957); /* state.h says so */
	CHECK(out.len <= ROTA_JOURNAL_PAYLOAD_MAX);
	CHECK_EQ(rota_state_encode(&s, rota_buf(room, out.len - 1), &out), ROTA_ERR_LIMIT);
}

TEST(nothing_cut_short_is_read)
{
	static struct rota_state s;
	size_t whole = 0;

	for (size_t len = 0; len < sizeof(full_0_1_0); len++) {
		enum rota_err err = rota_state_decode(rota_span(full_0_1_0, len), &s);

		/* a payload may end behind its last mandatory field */
		whole += err == ROTA_OK;
		CHECK(err == ROTA_OK || err == ROTA_ERR_CORRUPT);
	}
	CHECK_EQ(whole, 1);
}

static const struct {
	const char *reason;
	size_t at; /* in full_0_1_0 */
	uint8_t byte;
	enum rota_err err;
} bad[] = {
	{ "another format", 0, 2, ROTA_ERR_UNSUPPORTED },
	{ "the first id again", 52, 0x01, ROTA_ERR_CORRUPT },
	{ "ids that fall", 1, 0x0a, ROTA_ERR_CORRUPT },
	{ "root too short", 2, 47, ROTA_ERR_CORRUPT },
	{ "root version 0", 4, 0, ROTA_ERR_CORRUPT },
	{ "a flag of 2", 95, 2, ROTA_ERR_CORRUPT },
	{ "a floor of version 0", 182, 0, ROTA_ERR_CORRUPT },
	{ "more keys than a floor has", 190, 7, ROTA_ERR_CORRUPT },
	{ "more versions than a release has", 354, 9, ROTA_ERR_CORRUPT },
	{ "a phase that nobody knows", 426, 7, ROTA_ERR_CORRUPT },
	{ "no phase", 426, 0, ROTA_ERR_CORRUPT },
	{ "a component beyond the last", 427, 2, ROTA_ERR_CORRUPT },
	{ "more components than a release has", 446, 9, ROTA_ERR_CORRUPT },
	{ "no next event", 543, 0, ROTA_ERR_CORRUPT },
};

TEST(a_damaged_payload_is_refused)
{
	static struct rota_state s;

	for (size_t i = 0; i < ROWS(bad); i++) {
		uint8_t in[sizeof(full_0_1_0)];

		ROW(bad[i].reason);
		memcpy(in, full_0_1_0, sizeof(in));
		CHECK(in[bad[i].at] != bad[i].byte);
		in[bad[i].at] = bad[i].byte;
		CHECK_EQ(rota_state_decode(ROTA_SPAN(in), &s), bad[i].err);
	}
	ROW(NULL);
}

TESTS(T(a_factory_s_state_is_the_fixture), T(every_field_is_read_and_written_back),
	T(what_the_second_release_added_is_read_and_written_back),
	T(fields_of_a_later_release_are_kept_if_their_id_says_so),
	T(the_fullest_state_fits_a_journal), T(nothing_cut_short_is_read),
	T(a_damaged_payload_is_refused))
