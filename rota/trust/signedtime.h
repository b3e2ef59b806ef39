/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/signedtime.h -- what the keys of the role `time` sign: the time, and tickets (SPEC 5.5, 10.9).
 *
 * A device that cannot trust what it holds, since its flash may have been put back, asks for the time with a nonce
 * of its own. An answer to another nonce, for another device, or one that took longer than a minute says nothing.
 * The keys are those that verified top-level targets gives to `time`; a device keeps their digests alone.
 */
#ifndef ROTA_TRUST_SIGNEDTIME_H
#define ROTA_TRUST_SIGNEDTIME_H

#include "rota/codec/ticket.h"

#define ROTA_TIME_NONCE_LEN 16 /* nobody foresees or meets one twice */
#define ROTA_TIME_WITHIN_S 60 /* from asking to the answer: what the time may be late by */
#define ROTA_TIME_KEYS_MAX 2 /* at a change of keys there are two */
#define ROTA_TIME_ANSWER_MAX (8 + ROTA_TIMESIG_MAX)

/* Digests of keys, as rota_time_key_digest() makes them. */
struct rota_time_keys {
	uint8_t count;
	uint8_t sha256[ROTA_TIME_KEYS_MAX][ROTA_SHA256_LEN];
};

/* SHA-256(algorithm id (u8) || raw public key). */
void rota_time_key_digest(const struct rota_crypto *crypto, enum rota_alg alg, struct rota_span raw,
	uint8_t out[static ROTA_SHA256_LEN]);

/* What was asked. */
struct rota_time_question {
	uint8_t nonce[ROTA_TIME_NONCE_LEN];
	struct rota_span device_id; /* 64 hex digits (SPEC 1.1) */
};

/* What is signed: of an answer, and of a ticket. */
#define ROTA_TIME_MESSAGE_MAX 128 /* 12 + 16 + 64 + 8, and 14 + 64 + 4 + 4 */
void rota_time_message(
	struct rota_writer *w, const struct rota_time_question *question, uint64_t unix_s);
void rota_ticket_message(
	struct rota_writer *w, struct rota_span device_id, uint32_t number, uint32_t seconds);

/* An answer: unix seconds (u64) || signature (rota/codec/timesig.h), over "rota-time-v1" || nonce || device id || unix
 * seconds (u64). took_s: seconds from asking until it was whole. *unix_s is set with ROTA_OK only.
 * ROTA_ERR_TIMEOUT: it took too long. ROTA_ERR_FORMAT, ROTA_ERR_LIMIT: not the layout. ROTA_ERR_ROLE: its key is none
 * of `keys`. ROTA_ERR_SIGNATURE: does not verify, so also an answer to another question. ROTA_ERR_UNSUPPORTED: a
 * scheme that this device has not. */
ROTA_MUST_USE enum rota_err rota_signed_time_read(const struct rota_crypto *crypto,
	const struct rota_time_keys *keys, const struct rota_time_question *question,
	struct rota_span answer, uint64_t took_s, uint64_t *unix_s);

/* Whether a decoded ticket is for this device, by one of the keys. Its number and its seconds are for the caller to
 * judge. Errors: ROTA_ERR_ROLE, ROTA_ERR_SIGNATURE, ROTA_ERR_UNSUPPORTED as above. */
ROTA_MUST_USE enum rota_err rota_ticket_verify(const struct rota_crypto *crypto,
	const struct rota_time_keys *keys, struct rota_span device_id,
	const struct rota_ticket *ticket);

#endif
