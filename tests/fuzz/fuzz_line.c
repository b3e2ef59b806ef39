/* SPDX-License-Identifier: Apache-2.0 */
/* A serial line, both ends: the first byte chooses which. A receiver never takes more than was announced; a sender
 * never gets past its end. What is read as a frame is written as the same frame. */
#include "rota/link/line.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void receive(struct rota_span wire)
{
	uint8_t room[ROTA_FRAME_WIRE_MAX];
	struct rota_line_receiver l;
	uint64_t got = 0;

	rota_line_receive(&l);
	for (size_t i = 0; i < wire.len; i++) {
		struct rota_line_event e = rota_line_take(&l, wire.p[i], ROTA_BUF(room));

		got = e.began ? 0 : got + e.data.len;
		if (l.state != ROTA_LINE_WAITING && (got > l.length || got != l.got))
			abort();
		if (l.state == ROTA_LINE_WHOLE)
			rota_line_tell(&l, ROTA_ERR_FORMAT, ROTA_STR("no"));
	}
}

static void send(struct rota_span wire)
{
	struct rota_line_sender l;

	rota_line_send(&l, 1000);
	for (size_t i = 0; i < wire.len; i++) {
		(void)rota_line_answer(&l, wire.p[i]);
		if (l.sent > l.length || (l.done && l.sent != l.length))
			abort();
	}
}

static void both_ways(struct rota_span wire)
{
	uint8_t room[ROTA_FRAME_WIRE_MAX], bytes[ROTA_FRAME_DATA_MAX];
	struct rota_frame_reader r, again;
	struct rota_frame f, back;
	struct rota_span out;

	rota_frame_begin(&r);
	for (size_t i = 0; i < wire.len; i++) {
		bool whole = false;

		if (!rota_frame_take(&r, wire.p[i], &f))
			continue;
		memcpy(bytes, f.data.p, f.data.len);
		f.data.p = bytes;
		if (rota_frame_encode(&f, ROTA_BUF(room), &out) != ROTA_OK)
			abort();
		rota_frame_begin(&again);
		for (size_t k = 0; k < out.len; k++)
			whole = rota_frame_take(&again, out.p[k], &back);
		if (!whole || back.kind != f.kind || back.number != f.number ||
			!rota_span_eq(back.data, f.data))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_span wire = rota_span_skip(rota_span(data, len), 1);

	if (len == 0)
		return 0;
	if (data[0] % 2 == 0)
		receive(wire);
	else
		send(wire);
	both_ways(wire);
	return 0;
}
