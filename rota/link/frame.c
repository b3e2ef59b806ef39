/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/link/frame.h"
#include "rota/base/crc32.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#define FLAG 0x7E
#define ESCAPE 0x7D
#define FLIP 0x20

void rota_frame_begin(struct rota_frame_reader *r)
{
	r->len = 0;
	r->in_frame = r->escaped = r->lost = false;
}

/* A flag: what came since the last one may be a frame. */
static bool finish(const struct rota_frame_reader *r, struct rota_frame *out)
{
	struct rota_reader in = rota_reader(rota_span(r->bytes, r->len));
	size_t body;

	if (!r->in_frame || r->escaped || r->lost ||
		r->len < ROTA_FRAME_HEAD_LEN + ROTA_FRAME_CRC_LEN)
		return false;
	body = (size_t)r->len - ROTA_FRAME_CRC_LEN;
	out->kind = rota_read_u8(&in);
	out->number = rota_read_le32(&in);
	out->data = rota_read_span(&in, body - ROTA_FRAME_HEAD_LEN);
	return rota_read_le32(&in) == rota_crc32(0, rota_span(r->bytes, body));
}

bool rota_frame_take(struct rota_frame_reader *r, uint8_t byte, struct rota_frame *out)
{
	bool whole;

	if (byte == FLAG) {
		whole = finish(r, out);
		rota_frame_begin(r);
		r->in_frame = true;
		return whole;
	}
	if (!r->in_frame || r->lost)
		return false;
	if (byte == ESCAPE) {
		r->lost = r->escaped; /* an escaped escape is no byte of a frame */
		r->escaped = true;
		return false;
	}
	r->lost = r->len == sizeof(r->bytes);
	if (!r->lost)
		r->bytes[r->len++] = r->escaped ? byte ^ FLIP : byte;
	r->escaped = false;
	return false;
}

static void put(struct rota_writer *w, struct rota_span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		bool special = bytes.p[i] == FLAG || bytes.p[i] == ESCAPE;

		if (special)
			rota_write_u8(w, ESCAPE);
		rota_write_u8(w, special ? bytes.p[i] ^ FLIP : bytes.p[i]);
	}
}

enum rota_err rota_frame_encode(
	const struct rota_frame *frame, struct rota_buf room, struct rota_span *out)
{
	uint8_t head[ROTA_FRAME_HEAD_LEN], tail[ROTA_FRAME_CRC_LEN];
	struct rota_writer h = rota_writer(ROTA_BUF(head)), t = rota_writer(ROTA_BUF(tail));
	struct rota_writer w = rota_writer(room);

	if (frame->data.len > ROTA_FRAME_DATA_MAX)
		return ROTA_ERR_LIMIT;
	rota_write_u8(&h, frame->kind);
	rota_write_le32(&h, frame->number);
	rota_write_le32(&t, rota_crc32(rota_crc32(0, ROTA_SPAN(head)), frame->data));
	rota_write_u8(&w, FLAG);
	put(&w, ROTA_SPAN(head));
	put(&w, frame->data);
	put(&w, ROTA_SPAN(tail));
	rota_write_u8(&w, FLAG);
	return rota_writer_end(&w, out);
}
