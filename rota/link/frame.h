/* SPDX-License-Identifier: Apache-2.0 */
/* rota/link/frame.h -- frames on a serial line (RFC 1662, asynchronous framing with FCS-32; SPEC 15.5).
 *
 *     7E  kind u8, number u32, data  CRC-32 u32  7E       7D escapes: the byte after it is XORed with 20
 *
 * A line loses bytes, adds them and turns them around; what arrives with a wrong CRC, too long or too short is
 * no frame, and nothing is said about it: who sent it sends it again.
 */
#ifndef ROTA_LINK_FRAME_H
#define ROTA_LINK_FRAME_H

#include "rota/base/err.h"
#include "rota/base/span.h"

#define ROTA_FRAME_DATA_MAX 256 /* a fiftieth of a second at 115,200 baud */
#define ROTA_FRAME_HEAD_LEN 5
#define ROTA_FRAME_CRC_LEN 4
#define ROTA_FRAME_LEN_MAX (ROTA_FRAME_HEAD_LEN + ROTA_FRAME_DATA_MAX + ROTA_FRAME_CRC_LEN)
/* Of the bytes on the line: each one escaped, and two flags. */
#define ROTA_FRAME_WIRE_MAX (2 * ROTA_FRAME_LEN_MAX + 2)

enum rota_frame_kind {
	ROTA_FRAME_BEGIN = 1, /* sender: number 0, data: length of all that follows (u64) */
	ROTA_FRAME_DATA = 2, /* sender: number from 1 */
	ROTA_FRAME_END = 3, /* sender: all was sent; what became of it? */
	ROTA_FRAME_ACK = 4, /* receiver: frames up to `number` are here */
	ROTA_FRAME_VERDICT = 5, /* receiver: data: enum rota_err (u8), then text for a person */
};

struct rota_frame {
	uint8_t kind; /* not judged here */
	uint32_t number;
	struct rota_span data; /* inside the reader, until the next feed */
};

struct rota_frame_reader { /* private */
	uint16_t len;
	bool in_frame, escaped, lost; /* lost: too long, until the next flag */
	uint8_t bytes[ROTA_FRAME_LEN_MAX];
};

void rota_frame_begin(struct rota_frame_reader *r);

/* The next byte from the line; whether it ended a good frame, which is then in *out. */
bool rota_frame_take(struct rota_frame_reader *r, uint8_t byte, struct rota_frame *out);

/* The bytes for the line into `room` (ROTA_FRAME_WIRE_MAX is enough); *out is the part used.
 * ROTA_ERR_LIMIT: data longer than ROTA_FRAME_DATA_MAX, or no room. */
ROTA_MUST_USE enum rota_err rota_frame_encode(
	const struct rota_frame *frame, struct rota_buf room, struct rota_span *out);

#endif
