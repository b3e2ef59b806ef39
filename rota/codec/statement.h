/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/statement.h -- what a device says of its keys (SPEC 35.1), both directions.
 *
 *     "ROTASTM" || 1 || kind (u8) || device id (32) || number (u32) || rest || signature (64)
 *
 * Kinds PROVED and ANEW carry a new agree key, and `number` is its counter; in STATE and GONE it is the device's own
 * count of statements. The identity's signature is over SHA-256(rota-statement-v1 || all before it).
 *
 * The codec knows the layout. Whose signature it is, and whether the point lies on the curve, is for who has the device's
 * row (host/campaign/row.h); the proof of possession is rota/crypto/possession.h.
 */
#ifndef ROTA_CODEC_STATEMENT_H
#define ROTA_CODEC_STATEMENT_H

#include "rota/codec/purpose.h"
#include "rota/port/crypto.h"

/* The longest, of kind STATE, has 310 bytes; the room is for kinds to come. */
#define ROTA_STATEMENT_MAX 512
#define ROTA_STATEMENT_NONCE_LEN 32

enum rota_statement_kind {
	ROTA_STATEMENT_PROVED = 1, /* it holds a generation, and shows it */
	ROTA_STATEMENT_STATE, /* what it holds and needs, purpose by purpose */
	ROTA_STATEMENT_ANEW, /* its first agree key, or a new one; what it has proved and still has */
	ROTA_STATEMENT_GONE, /* it is decommissioned: the last one */
};

/* Of one purpose. Generations; 0: none. */
struct rota_holding {
	uint8_t purpose; /* 1 to ROTA_PURPOSES_MAX */
	uint32_t active, staged, proved;
	uint32_t held_from, needed_from; /* the oldest */
	uint32_t records; /* that need more than the active; with ROTA_HOLDING_RENEW */
};

/* Bit of `records`: its uses come to an end, a new generation is wanted (SPEC 31.7). */
#define ROTA_HOLDING_RENEW (UINT32_C(1) << 31)

struct rota_statement {
	uint8_t kind; /* enum rota_statement_kind */
	uint8_t device[ROTA_SHA256_LEN];
	uint32_t number; /* from 1 */
	/* PROVED */
	uint8_t purpose; /* 1 to ROTA_PURPOSES_MAX */
	uint32_t generation; /* from 1 */
	uint8_t campaign[ROTA_SHA256_LEN];
	uint8_t nonce[ROTA_STATEMENT_NONCE_LEN]; /* the server's */
	uint8_t proof[ROTA_SHA256_LEN];
	/* PROVED, ANEW */
	uint8_t point[ROTA_P256_KEY_LEN]; /* agree key */
	/* STATE; of ANEW what it still has: purpose and proved of each alone, none: nothing */
	uint8_t count;
	struct rota_holding holding[ROTA_PURPOSES_MAX]; /* ascending by purpose */
	/* of decode; they point into what was decoded */
	struct rota_span body, sig;
};

/* Members that the kind has not are zeros.
 * ROTA_ERR_FORMAT: not the layout, a number, purpose or generation that is none, purposes that do not ascend, a point
 * that is not of the raw form. ROTA_ERR_UNSUPPORTED: another version or kind. */
ROTA_MUST_USE enum rota_err rota_statement_decode(struct rota_span in, struct rota_statement *out);

/* The body into `room`, and *body is the part used: the caller signs rota_statement_digest() of it and appends the 64
 * bytes. ROTA_ERR_ARGUMENT: what decode would refuse. ROTA_ERR_LIMIT: too little room. */
ROTA_MUST_USE enum rota_err rota_statement_encode(
	const struct rota_statement *s, struct rota_buf room, struct rota_span *body);

/* What the identity signs. */
void rota_statement_digest(const struct rota_crypto *crypto, struct rota_span body,
	uint8_t out[static ROTA_SHA256_LEN]);

#endif
