/* SPDX-License-Identifier: Apache-2.0 */
/* rota/base/writer.h -- put a binary message together.
 *
 * The mirror of the reader: a write that does not fit sticks, and rota_writer_end() reports
 * ROTA_ERR_LIMIT. Nothing is written past the room given.
 */
#ifndef ROTA_BASE_WRITER_H
#define ROTA_BASE_WRITER_H

#include "rota/base/err.h"
#include "rota/base/span.h"

struct rota_writer {
	struct rota_buf room;
	size_t used;
	bool failed;
};

struct rota_writer rota_writer(struct rota_buf room);

void rota_write_u8(struct rota_writer *w, uint8_t value);
void rota_write_le16(struct rota_writer *w, uint16_t value);
void rota_write_le32(struct rota_writer *w, uint32_t value);
void rota_write_le64(struct rota_writer *w, uint64_t value);
void rota_write_be16(struct rota_writer *w, uint16_t value);
void rota_write_be32(struct rota_writer *w, uint32_t value);
void rota_write_be64(struct rota_writer *w, uint64_t value);
void rota_write_span(struct rota_writer *w, struct rota_span bytes);

/* `len` bytes of `byte`: padding. */
void rota_write_fill(struct rota_writer *w, uint8_t byte, size_t len);

/* Overwrite two bytes written before, at `off` from the start: a length that was not known yet. */
void rota_rewrite_le16(struct rota_writer *w, size_t off, uint16_t value);

/* What was written so far. */
struct rota_span rota_writer_span(const struct rota_writer *w);

/* ROTA_OK and the bytes in *out, or ROTA_ERR_LIMIT and an empty span. */
ROTA_MUST_USE enum rota_err rota_writer_end(const struct rota_writer *w, struct rota_span *out);

#endif
