/* SPDX-License-Identifier: Apache-2.0 */
/* rota/link/line.h -- both ends of a transfer over a serial line, stop and wait (SPEC 15.5).
 *
 *     sender                         receiver
 *     BEGIN(0, length)     ->
 *                          <-        ACK(0)
 *     DATA(1, bytes)       ->
 *                          <-        ACK(1)
 *     ...
 *     END(n + 1)           ->
 *                          <-        VERDICT(n + 1, error, text)      once there is one
 *
 * The sender repeats a frame until it is answered; the receiver answers each frame that it can read and else says
 * nothing. A frame that was acknowledged before is acknowledged again, and its data counts once. One that is ahead
 * is answered with what is here: a receiver that began anew says ACK(0) to all but BEGIN, and a sender that sees
 * a lower number than it was told before begins anew too.
 *
 * No line and no clock in here: bytes come in through take(), what is to be sent comes out in a buffer, and the
 * owner keeps the deadlines.
 */
#ifndef ROTA_LINK_LINE_H
#define ROTA_LINK_LINE_H

#include "rota/link/frame.h"

/* ---- the receiving end ---- */

enum rota_line_state {
	ROTA_LINE_WAITING, /* for a sender */
	ROTA_LINE_TAKING,
	ROTA_LINE_WHOLE, /* all bytes are here, and nothing was said about them */
	ROTA_LINE_TOLD, /* a verdict stands */
};

struct rota_line_receiver {
	struct rota_frame_reader frames; /* private but for state, length and got */
	uint8_t state; /* enum rota_line_state */
	uint8_t verdict; /* enum rota_err */
	uint32_t number; /* of the last frame taken */
	uint64_t length, got; /* of the transfer, in bytes */
	struct rota_span text; /* goes with the verdict */
};

void rota_line_receive(struct rota_line_receiver *l);

/* What one byte led to. */
struct rota_line_event {
	bool began; /* a transfer begins, maybe anew: forget what came before */
	struct rota_span data; /* the next bytes, until the next take; empty: none */
	struct rota_span answer; /* to be sent */
};

/* The next byte from the line. room: ROTA_FRAME_WIRE_MAX bytes, for the answer. */
struct rota_line_event rota_line_take(
	struct rota_line_receiver *l, uint8_t byte, struct rota_buf room);

/* What became of the transfer, from the state WHOLE; it is told as often as the sender asks. text: at most
 * ROTA_FRAME_DATA_MAX - 1 bytes count; it stays in use until the next transfer begins. */
void rota_line_tell(struct rota_line_receiver *l, enum rota_err verdict, struct rota_span text);

/* ---- the sending end ---- */

struct rota_line_sender {
	struct rota_frame_reader frames; /* private but for sent, done and verdict */
	uint64_t length;
	uint64_t sent; /* bytes that were acknowledged */
	uint32_t number; /* of the frame that waits for its answer */
	bool done;
	uint8_t verdict; /* enum rota_err, once done */
	uint8_t text_len;
	uint8_t text[ROTA_FRAME_DATA_MAX];
};

/* length: at most UINT32_MAX. */
void rota_line_send(struct rota_line_sender *l, uint64_t length);

/* How many bytes at l->sent the frame that is due carries; 0 for BEGIN and END. */
size_t rota_line_due(const struct rota_line_sender *l);

/* That frame for the line. data: the rota_line_due() bytes at l->sent. room: ROTA_FRAME_WIRE_MAX bytes. */
struct rota_span rota_line_frame(
	const struct rota_line_sender *l, struct rota_span data, struct rota_buf room);

/* The next byte from the line; whether another frame is due now, or all is done. */
bool rota_line_answer(struct rota_line_sender *l, uint8_t byte);

#endif
