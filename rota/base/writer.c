/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/base/writer.h"
#include "rota/base/mem.h"

struct rota_writer rota_writer(struct rota_buf room)
{
	return (struct rota_writer){ .room = room, .used = 0, .failed = false };
}

/* Room for `len` more bytes, or NULL and the failure sticks. */
static uint8_t *take(struct rota_writer *w, size_t len)
{
	uint8_t *at;

	if (w->failed || len > w->room.len - w->used) {
		w->failed = true;
		return NULL;
	}
	at = w->room.p + w->used;
	w->used += len;
	return at;
}

void rota_write_span(struct rota_writer *w, struct rota_span bytes)
{
	uint8_t *at = take(w, bytes.len);

	if (at != NULL && bytes.len > 0)
		memcpy(at, bytes.p, bytes.len);
}

void rota_write_fill(struct rota_writer *w, uint8_t byte, size_t len)
{
	uint8_t *at = take(w, len);

	if (at != NULL && len > 0)
		memset(at, byte, len);
}

static void write_le(struct rota_writer *w, uint64_t value, size_t len)
{
	uint8_t *at = take(w, len);

	for (size_t i = 0; at != NULL && i < len; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static void write_be(struct rota_writer *w, uint64_t value, size_t len)
{
	uint8_t *at = take(w, len);

	for (size_t i = 0; at != NULL && i < len; i++)
		at[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
}

void rota_write_u8(struct rota_writer *w, uint8_t value)
{
	write_le(w, value, 1);
}

void rota_write_le16(struct rota_writer *w, uint16_t value)
{
	write_le(w, value, 2);
}

void rota_write_le32(struct rota_writer *w, uint32_t value)
{
	write_le(w, value, 4);
}

void rota_write_le64(struct rota_writer *w, uint64_t value)
{
	write_le(w, value, 8);
}

void rota_write_be16(struct rota_writer *w, uint16_t value)
{
	write_be(w, value, 2);
}

void rota_write_be32(struct rota_writer *w, uint32_t value)
{
	write_be(w, value, 4);
}

void rota_write_be64(struct rota_writer *w, uint64_t value)
{
	write_be(w, value, 8);
}

void rota_rewrite_le16(struct rota_writer *w, size_t off, uint16_t value)
{
	struct rota_writer at = { .room = { .p = w->room.p, .len = w->used }, .used = off };

	if (w->failed || off > w->used)
		w->failed = true;
	else
		rota_write_le16(&at, value);
	w->failed = w->failed || at.failed;
}

struct rota_span rota_writer_span(const struct rota_writer *w)
{
	return rota_span(w->room.p, w->used);
}

enum rota_err rota_writer_end(const struct rota_writer *w, struct rota_span *out)
{
	*out = w->failed ? rota_span(NULL, 0) : rota_writer_span(w);
	return w->failed ? ROTA_ERR_LIMIT : ROTA_OK;
}
