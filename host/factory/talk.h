/* SPDX-License-Identifier: Apache-2.0 */
/* host/factory/talk.h -- the messages of the factory on a stream: a length (u32, little-endian), then so many bytes (SPEC 28.6).
 *
 * The stream is whatever leads to the device: standard input and output of a shell, a cable, a socket. Every wait has a
 * deadline over the whole message, and no byte is taken beyond it.
 *
 * Each side keeps the digest of what it said and heard. Who carries the stream and changes a word leaves the two with two
 * digests, and the device signs its own (READY).
 */
#ifndef HOST_FACTORY_TALK_H
#define HOST_FACTORY_TALK_H

#include "host/base/digest.h"
#include "host/base/fail.h"
#include "host/factory/message.h"

/* The longest step is that of a slow TPM that makes a handful of keys; a person may plug in a token meanwhile. */
#define ROTA_TALK_WAIT_MS 300000

struct rota_talk {
	int in, out; /* its two ends; may be one descriptor */
	struct rota_digest *said; /* begun */
};

/* The ends are set so that no read and no write waits by itself. */
ROTA_MUST_USE enum rota_err rota_talk_begin(struct rota_talk *t, struct rota_fail *why);
/* The ends stay open. What was zeroed may be ended. */
void rota_talk_end(struct rota_talk *t);

ROTA_MUST_USE enum rota_err rota_talk_say(
	const struct rota_talk *t, const struct rota_factory_message *m, struct rota_fail *why);

/* The other side's next message, of this kind; the caller frees *room, which *out points into. ROTA_ERR_DENIED: it said NO,
 * and why. ROTA_ERR_FORMAT: it says something else. ROTA_ERR_TIMEOUT. ROTA_ERR_IO: it ended. */
ROTA_MUST_USE enum rota_err rota_talk_hear(const struct rota_talk *t, enum rota_factory_kind kind,
	struct rota_bytes *room, struct rota_factory_message *out, struct rota_fail *why);

/* SHA-256 of all messages so far, of both sides, each behind its length. */
void rota_talk_said(const struct rota_talk *t, uint8_t out[static ROTA_DIGEST_LEN]);

/* That this side cannot go on; whether it arrives does not matter. Where the talk never began nothing is said. */
void rota_talk_no(const struct rota_talk *t, const struct rota_fail *how);

#endif
