/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/keyset.h -- the recovery key-set record (SPEC 12.2): who may sign recovery orders.
 *
 * ROM holds only the record's SHA-256; the record travels beside an order and is believed by that digest
 * alone. It is read in pieces, and what is kept of it is what a verifier needs.
 */
#ifndef ROTA_CODEC_KEYSET_H
#define ROTA_CODEC_KEYSET_H

#include "rota/codec/shape.h"
#include "rota/port/crypto.h"

/* Of the record a device takes at most so much, of the 16 KiB that SPEC 12.2 allows: it lies beside the order
 * in flash. Eight P-256 keys are 1.3 KiB. */
#define ROTA_KEYSET_MAX 4096
#define ROTA_KEYSET_KEYS_MAX 8

/* Room for the scanner. */
#define ROTA_KEYSET_NAMES_ROOM 32
#define ROTA_KEYSET_VALUE_ROOM ROTA_SHAPE_TEXT_MAX

/* One key. That of an algorithm which is not known here is kept as ROTA_ALG_NONE: nothing verifies under it. */
struct rota_keyset_key {
	uint8_t alg; /* enum rota_alg: ROTA_ALG_ECDSA_P256 or ROTA_ALG_NONE */
	uint8_t raw[ROTA_P256_KEY_LEN];
};

struct rota_keyset {
	uint8_t threshold; /* 1 to count, and one more where there is an LMS key */
	uint8_t count;
	struct rota_keyset_key key[ROTA_KEYSET_KEYS_MAX]; /* no two alike */
};

struct rota_keyset_reader {
	struct rota_json json; /* from here private ... */
	struct rota_walk walk;
	const struct rota_crypto *crypto;
	struct rota_sha256 hash;
	uint16_t fed; /* ... to here */
	bool lms; /* the record names an LMS key */
	struct rota_keyset keyset; /* complete when the end returned ROTA_OK */
};

/* Begin a record. names and value are the scanner's room, at least ROTA_KEYSET_NAMES_ROOM and
 * ROTA_KEYSET_VALUE_ROOM bytes, in use until the end. The reader may not be moved meanwhile. */
void rota_keyset_begin(struct rota_keyset_reader *r, const struct rota_crypto *crypto,
	struct rota_buf names, struct rota_buf value);

/* The next piece.
 * ROTA_ERR_SPELLING     not the one spelling of JSON
 * ROTA_ERR_FORMAT       a member missing, of another type, a public key of another length, two keys alike
 * ROTA_ERR_LIMIT        longer than ROTA_KEYSET_MAX, more than ROTA_KEYSET_KEYS_MAX keys
 * ROTA_ERR_ROLE         another kind of file
 * ROTA_ERR_UNSUPPORTED  another format */
ROTA_MUST_USE enum rota_err rota_keyset_feed(struct rota_keyset_reader *r, struct rota_span piece);

/* The record is over. ROTA_ERR_HASH: it is not the one with this SHA-256, so nothing of it counts.
 * ROTA_ERR_FORMAT: a threshold that cannot be met. */
ROTA_MUST_USE enum rota_err rota_keyset_end(
	struct rota_keyset_reader *r, const uint8_t sha256[static ROTA_SHA256_LEN]);

#endif
