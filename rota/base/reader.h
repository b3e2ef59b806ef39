/* SPDX-License-Identifier: Apache-2.0 */
/* rota/base/reader.h -- take a binary message apart.
 *
 * The error sticks: once a read runs past the end, that read and every later one gives zero or an empty
 * span, and rota_reader_end() reports ROTA_ERR_FORMAT. So read straight down and check once. Spans that
 * come out point into the input.
 */
#ifndef ROTA_BASE_READER_H
#define ROTA_BASE_READER_H

#include "rota/base/err.h"
#include "rota/base/span.h"

struct rota_reader {
	struct rota_span rest;
	bool failed;
};

struct rota_reader rota_reader(struct rota_span in);

uint8_t rota_read_u8(struct rota_reader *r);
uint16_t rota_read_le16(struct rota_reader *r);
uint32_t rota_read_le32(struct rota_reader *r);
uint64_t rota_read_le64(struct rota_reader *r);
uint16_t rota_read_be16(struct rota_reader *r);
uint32_t rota_read_be32(struct rota_reader *r);
uint64_t rota_read_be64(struct rota_reader *r);

/* The next `len` bytes, in place; empty after a failure. */
struct rota_span rota_read_span(struct rota_reader *r, size_t len);

/* The next to.len bytes, copied; zeros after a failure. */
void rota_read_bytes(struct rota_reader *r, struct rota_buf to);

/* Fail from outside: a value that the caller found out of range. */
void rota_reader_fail(struct rota_reader *r);

/* ROTA_OK when nothing failed and nothing is left; trailing bytes are ROTA_ERR_FORMAT. */
ROTA_MUST_USE enum rota_err rota_reader_end(const struct rota_reader *r);

#endif
