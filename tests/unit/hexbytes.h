/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/hexbytes.h -- bytes of a test vector, which is written in hex. */
#ifndef TESTS_UNIT_HEXBYTES_H
#define TESTS_UNIT_HEXBYTES_H

#include "rota/base/hex.h"

/* As many bytes as `text` says, into `room`; empty where it is no hex or there is no room: a comparison fails then. */
static inline struct rota_buf test_hex(const char *text, struct rota_buf room)
{
	struct rota_span digits = rota_span_cstr(text);
	struct rota_buf bytes = rota_buf(room.p, digits.len / 2);

	if (bytes.len > room.len || rota_hex_decode(digits, bytes) != ROTA_OK)
		return rota_buf(room.p, 0);
	return bytes;
}

/* The same bytes to read. */
static inline struct rota_span test_hex_span(const char *text, struct rota_buf room)
{
	struct rota_buf bytes = test_hex(text, room);

	return rota_span(bytes.p, bytes.len);
}

#endif
