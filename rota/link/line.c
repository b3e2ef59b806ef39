/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/link/line.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

/* ---- the receiving end ---- */

void rota_line_receive(struct rota_line_receiver *l)
{
	memset(l, 0, sizeof(*l));
	rota_frame_begin(&l->frames);
}

static struct rota_span answer(
	uint8_t kind, uint32_t number, struct rota_span data, struct rota_buf room)
{
	const struct rota_frame frame = { .kind = kind, .number = number, .data = data };
	struct rota_span out = { NULL, 0 };

	if (rota_frame_encode(&frame, room, &out) != ROTA_OK)
		out.len = 0; /* the room is too small: as if the line had lost it */
	return out;
}

static bool begin(struct rota_line_receiver *l, const struct rota_frame *f)
{
	struct rota_reader in = rota_reader(f->data);
	uint64_t length = rota_read_le64(&in);

	if (f->number != 0 || rota_reader_end(&in) != ROTA_OK || length == 0 || length > UINT32_MAX)
		return false;
	if (l->state == ROTA_LINE_TAKING && l->number == 0 && l->length == length)
		return false; /* the same once more: its answer was lost */
	l->state = ROTA_LINE_TAKING;
	l->number = 0;
	l->length = length;
	l->got = 0;
	return true;
}

static struct rota_span take_data(struct rota_line_receiver *l, const struct rota_frame *f)
{
	if (l->state != ROTA_LINE_TAKING || f->number != l->number + 1 || f->data.len == 0 ||
		f->data.len > l->length - l->got)
		return rota_span(NULL, 0);
	l->number++;
	l->got += f->data.len;
	if (l->got == l->length)
		l->state = ROTA_LINE_WHOLE;
	return f->data;
}

static struct rota_span tell(
	const struct rota_line_receiver *l, uint32_t number, struct rota_buf room)
{
	uint8_t data[ROTA_FRAME_DATA_MAX];
	struct rota_writer w = rota_writer(ROTA_BUF(data));

	rota_write_u8(&w, l->verdict);
	rota_write_span(&w, rota_span_slice(l->text, 0, sizeof(data) - 1));
	return answer(ROTA_FRAME_VERDICT, number, rota_writer_span(&w), room);
}

struct rota_line_event rota_line_take(
	struct rota_line_receiver *l, uint8_t byte, struct rota_buf room)
{
	struct rota_line_event e = { .began = false };
	struct rota_frame f;

	if (!rota_frame_take(&l->frames, byte, &f))
		return e;
	switch (f.kind) {
	case ROTA_FRAME_BEGIN:
		e.began = begin(l, &f);
		break;
	case ROTA_FRAME_DATA:
		e.data = take_data(l, &f);
		break;
	case ROTA_FRAME_END:
		if (l->state == ROTA_LINE_TOLD)
			e.answer = tell(l, f.number, room);
		if (l->state >= ROTA_LINE_WHOLE)
			return e; /* the verdict is on its way */
		break;
	default:
		return e; /* a sender's own echo, or another program's */
	}
	e.answer = answer(ROTA_FRAME_ACK, l->number, rota_span(NULL, 0), room);
	return e;
}

void rota_line_tell(struct rota_line_receiver *l, enum rota_err verdict, struct rota_span text)
{
	l->state = ROTA_LINE_TOLD;
	l->verdict = (uint8_t)verdict;
	l->text = text;
}

/* ---- the sending end ---- */

void rota_line_send(struct rota_line_sender *l, uint64_t length)
{
	memset(l, 0, sizeof(*l));
	rota_frame_begin(&l->frames);
	l->length = length;
}

size_t rota_line_due(const struct rota_line_sender *l)
{
	uint64_t left = l->length - l->sent;

	if (l->number == 0)
		return 0;
	return left < ROTA_FRAME_DATA_MAX ? (size_t)left : ROTA_FRAME_DATA_MAX;
}

struct rota_span rota_line_frame(
	const struct rota_line_sender *l, struct rota_span data, struct rota_buf room)
{
	uint8_t length[8];
	struct rota_writer w = rota_writer(ROTA_BUF(length));

	if (l->number == 0) {
		rota_write_le64(&w, l->length);
		return answer(ROTA_FRAME_BEGIN, 0, rota_writer_span(&w), room);
	}
	return answer(data.len > 0 ? ROTA_FRAME_DATA : ROTA_FRAME_END, l->number, data, room);
}

static void take_verdict(struct rota_line_sender *l, struct rota_span data)
{
	struct rota_span text = rota_span_skip(data, 1);

	if (data.len == 0)
		return;
	l->done = true;
	l->verdict = data.p[0];
	l->text_len = (uint8_t)text.len;
	memcpy(l->text, text.p, text.len);
}

bool rota_line_answer(struct rota_line_sender *l, uint8_t byte)
{
	struct rota_frame f;

	if (!rota_frame_take(&l->frames, byte, &f))
		return false;
	if (f.kind == ROTA_FRAME_VERDICT && l->sent == l->length && f.number == l->number)
		take_verdict(l, f.data);
	if (f.kind != ROTA_FRAME_ACK)
		return l->done;
	if (f.number == l->number && rota_line_due(l) + (l->number == 0) > 0) {
		l->sent += rota_line_due(l);
		l->number++;
		return true;
	}
	if (f.number + 1 < l->number) { /* the receiver began anew */
		rota_line_send(l, l->length);
		return true;
	}
	return false;
}
