/* SPDX-License-Identifier: Apache-2.0 */
/* Frames, and both ends of a transfer over a line that loses, doubles and damages bytes. */
#include "rota/link/line.h"
#include "tests/unit/test.h"

static struct rota_span encode(
	uint8_t kind, uint32_t number, struct rota_span data, struct rota_buf room)
{
	const struct rota_frame frame = { .kind = kind, .number = number, .data = data };
	struct rota_span out = { NULL, 0 };

	return rota_frame_encode(&frame, room, &out) == ROTA_OK ? out : rota_span(NULL, 0);
}

/* How many good frames come out; the last one in *out. */
static unsigned take_all(struct rota_frame_reader *r, struct rota_span wire, struct rota_frame *out)
{
	unsigned good = 0;

	for (size_t i = 0; i < wire.len; i++)
		good += rota_frame_take(r, wire.p[i], out);
	return good;
}

TEST(a_frame_goes_both_ways)
{
	uint8_t room[ROTA_FRAME_WIRE_MAX], data[ROTA_FRAME_DATA_MAX + 1];
	struct rota_frame_reader r;
	struct rota_frame out;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(0x70 + i % 16); /* 7D and 7E among them */
	rota_frame_begin(&r);
	for (size_t len = 0; len <= ROTA_FRAME_DATA_MAX; len++) {
		struct rota_span wire =
			encode(2, 0x7E7D0000 + (uint32_t)len, rota_span(data, len), ROTA_BUF(room));

		CHECK(wire.len > 0);
		CHECK_EQ(take_all(&r, wire, &out), 1);
		CHECK_EQ(out.kind, 2);
		CHECK_EQ(out.number, 0x7E7D0000 + len);
		CHECK(rota_span_eq(out.data, rota_span(data, len)));
	}
	CHECK_EQ(encode(2, 0, ROTA_SPAN(data), ROTA_BUF(room)).len, 0);
	CHECK_EQ(encode(2, 0, rota_span(data, 1), rota_buf(room, 10)).len, 0);
}

/* RFC 1662 C.3 is CRC-32 of IEEE 802.3, least significant byte first: "123456789" gives CBF43926. */
TEST(the_wire_is_as_specified)
{
	static const uint8_t want[] = { 0x7E, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39,
		0x26, 0x39, 0xF4, 0xCB, 0x7E };
	uint8_t room[64];

	CHECK(rota_span_eq(
		encode(0x31, 0x35343332, ROTA_STR("6789"), ROTA_BUF(room)), ROTA_SPAN(want)));
}

TEST(a_damaged_frame_is_none_and_the_next_one_is_read)
{
	uint8_t good[64], bad[64];
	struct rota_frame_reader r;
	struct rota_frame out;
	struct rota_span wire = encode(1, 7, ROTA_STR("hello"), ROTA_BUF(good));

	for (size_t bit = 8; bit < (wire.len - 1) * 8; bit++) {
		memcpy(bad, wire.p, wire.len);
		bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
		rota_frame_begin(&r);
		CHECK_EQ(take_all(&r, rota_span(bad, wire.len), &out), 0);
		CHECK_EQ(take_all(&r, wire, &out), 1);
	}
	rota_frame_begin(&r);
	for (unsigned i = 0; i < 3 * ROTA_FRAME_LEN_MAX; i++)
		CHECK(!rota_frame_take(&r, 0x55, &out)); /* noise without a flag */
	CHECK_EQ(take_all(&r, wire, &out), 1);
	for (unsigned i = 0; i < 3 * ROTA_FRAME_LEN_MAX; i++)
		CHECK(!rota_frame_take(&r, 0x55, &out)); /* too long */
	CHECK(!rota_frame_take(&r, 0x7E, &out));
	CHECK_EQ(take_all(&r, wire, &out), 1);
}

/* ---- a transfer ---- */

struct wire {
	uint32_t random;
	unsigned harm; /* in 256: how often a byte is lost, doubled or changed */
};

static unsigned roll(struct wire *w)
{
	w->random = w->random * 1664525u + 1013904223u;
	return w->random >> 24;
}

/* What becomes of a byte: how often it arrives, and as what. */
static unsigned pass(struct wire *w, uint8_t *byte)
{
	if (roll(w) >= w->harm)
		return 1;
	if (roll(w) % 3 == 0)
		*byte ^= (uint8_t)(1u << roll(w) % 8);
	return roll(w) % 3;
}

#define TRANSFER 3000

struct ends {
	struct wire wire;
	struct rota_line_sender sender;
	struct rota_line_receiver receiver;
	uint8_t sent[TRANSFER], got[TRANSFER + ROTA_FRAME_DATA_MAX];
	size_t got_len;
};

static void to_sender(struct ends *e, struct rota_span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t byte = bytes.p[i];

		for (unsigned n = pass(&e->wire, &byte); n > 0; n--)
			(void)rota_line_answer(&e->sender, byte);
	}
}

static void to_receiver(struct ends *e, struct rota_span bytes)
{
	uint8_t room[ROTA_FRAME_WIRE_MAX];

	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t byte = bytes.p[i];

		for (unsigned n = pass(&e->wire, &byte); n > 0; n--) {
			struct rota_line_event ev =
				rota_line_take(&e->receiver, byte, ROTA_BUF(room));

			if (ev.began)
				e->got_len = 0;
			memcpy(&e->got[e->got_len], ev.data.p == NULL ? e->got : ev.data.p,
				ev.data.len);
			e->got_len += ev.data.len;
			to_sender(e, ev.answer);
		}
	}
}

/* One frame over, as the owner's timer would. */
static void turn(struct ends *e)
{
	uint8_t room[ROTA_FRAME_WIRE_MAX];
	struct rota_span data = rota_span_slice(
		ROTA_SPAN(e->sent), (size_t)e->sender.sent, rota_line_due(&e->sender));

	to_receiver(e, rota_line_frame(&e->sender, data, ROTA_BUF(room)));
	if (e->receiver.state == ROTA_LINE_WHOLE)
		rota_line_tell(&e->receiver, ROTA_ERR_HARDWARE, ROTA_STR("not for this board"));
}

static void set_up(struct ends *e, uint32_t seed, unsigned harm)
{
	memset(e, 0, sizeof(*e));
	e->wire = (struct wire){ seed, harm };
	for (size_t i = 0; i < TRANSFER; i++)
		e->sent[i] = (uint8_t)(i * 7 + (i >> 8));
	rota_line_send(&e->sender, TRANSFER);
	rota_line_receive(&e->receiver);
}

TEST(a_transfer_goes_through_whatever_the_line_does)
{
	static struct ends e;

	for (uint32_t seed = 0; seed < 200; seed++) {
		unsigned turns = 0;

		set_up(&e, seed, seed % 2);
		while (!e.sender.done && turns++ < 2000)
			turn(&e);
		CHECK(e.sender.done);
		CHECK_EQ(e.got_len, TRANSFER);
		CHECK_MEM(e.got, e.sent, TRANSFER);
		CHECK_EQ(e.sender.verdict, ROTA_ERR_HARDWARE);
		CHECK(rota_span_eq(rota_span(e.sender.text, e.sender.text_len),
			ROTA_STR("not for this board")));
	}
}

TEST(a_receiver_that_was_reset_is_sent_everything_again)
{
	static struct ends e;

	set_up(&e, 1, 0);
	for (unsigned i = 0; i < 5; i++)
		turn(&e);
	CHECK(e.sender.sent > 0);
	rota_line_receive(&e.receiver);
	e.got_len = 0;
	for (unsigned i = 0; i < 40 && !e.sender.done; i++)
		turn(&e);
	CHECK(e.sender.done);
	CHECK_EQ(e.got_len, TRANSFER);
	CHECK_MEM(e.got, e.sent, TRANSFER);
}

TEST(a_receiver_takes_no_more_than_was_announced)
{
	uint8_t room[ROTA_FRAME_WIRE_MAX], answer[ROTA_FRAME_WIRE_MAX];
	struct rota_line_receiver l;
	struct rota_span wire;
	size_t got = 0;

	rota_line_receive(&l);
	wire = encode(ROTA_FRAME_BEGIN, 0, ROTA_STR("\x04\0\0\0\0\0\0\0"), ROTA_BUF(room));
	for (size_t i = 0; i < wire.len; i++)
		(void)rota_line_take(&l, wire.p[i], ROTA_BUF(answer));
	CHECK_EQ(l.state, ROTA_LINE_TAKING);
	wire = encode(ROTA_FRAME_DATA, 1, ROTA_STR("12345"), ROTA_BUF(room));
	for (size_t i = 0; i < wire.len; i++)
		got += rota_line_take(&l, wire.p[i], ROTA_BUF(answer)).data.len;
	CHECK_EQ(got, 0);
	CHECK_EQ(l.state, ROTA_LINE_TAKING);
}

TESTS(T(a_frame_goes_both_ways), T(the_wire_is_as_specified),
	T(a_damaged_frame_is_none_and_the_next_one_is_read),
	T(a_transfer_goes_through_whatever_the_line_does),
	T(a_receiver_that_was_reset_is_sent_everything_again),
	T(a_receiver_takes_no_more_than_was_announced))
