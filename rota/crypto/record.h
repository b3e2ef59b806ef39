/* SPDX-License-Identifier: Apache-2.0 */
/* rota/crypto/record.h -- sealed records (SPEC 36.1 to 36.3): messages of telemetry, and data at rest.
 *
 * A record says in clear which generation of which use it was sealed with; purpose, device and the place it belongs to
 * (the caller's context: a record's id, a stream's name) it does not say, but they are sealed in, so that a record
 * opens for no other device and at no other place.
 *
 * No nonce comes twice under one key. Whoever seals has an *opening*: a number that was made durable before the first
 * seal, an epoch drawn for it, and a count. The epoch goes into the key, number and count are the nonce. Older flash
 * gives an old number but a new epoch; a broken source of randomness an old epoch but a new number.
 *
 * A record key is prepared once for many records: it belongs to one thread at a time.
 */
#ifndef ROTA_CRYPTO_RECORD_H
#define ROTA_CRYPTO_RECORD_H

#include "rota/crypto/datakey.h"
#include "rota/port/aead.h"
#include "rota/port/crypto.h"

#define ROTA_RECORD_EPOCH_LEN 16
#define ROTA_RECORD_HEAD_LEN_V1 40
#define ROTA_RECORD_OVERHEAD (ROTA_RECORD_HEAD_LEN_V1 + ROTA_AEAD_TAG_LEN)
#define ROTA_RECORD_PLAIN_MAX 65536u /* what a device can be asked to hold at once */
#define ROTA_RECORD_CONTEXT_MAX 64 /* what is authenticated is put together on the stack */
/* Seals of one opening, so of one record key: SP 800-38D 8.3 allows as many. */
#define ROTA_RECORD_SEALS_MAX (UINT64_C(1) << 32)

/* What a run of a program seals with. `count` rises with each seal; a copy that seals too repeats its nonces. */
struct rota_record_opening {
	uint8_t epoch[ROTA_RECORD_EPOCH_LEN];
	uint32_t opening; /* never twice in the life of a state (SPEC 36.3) */
	uint64_t count; /* 0 in a new one */
};

struct rota_record_key {
	struct rota_aead_key key;
	uint8_t epoch[ROTA_RECORD_EPOCH_LEN];
	uint32_t generation;
	uint8_t use, purpose, device[ROTA_DEVICE_LEN];
};

/* Prepare the key of one epoch (SPEC 36.2). generation_key: what rota_datakey_derive() gave for `of` and `use`, which is
 * ROTA_USE_UP, DOWN or RECORD.
 * ROTA_ERR_ARGUMENT: another use, or a key of another length; nothing is to be ended. Else aead's. */
ROTA_MUST_USE enum rota_err rota_record_key_begin(struct rota_record_key *k,
	const struct rota_crypto *crypto, const struct rota_aead *aead,
	struct rota_span generation_key, const struct rota_datakey *of, enum rota_key_use use,
	const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN]);

void rota_record_key_end(struct rota_record_key *k, const struct rota_aead *aead);

/* What a record says of itself. */
struct rota_record_head {
	uint8_t use; /* ROTA_USE_UP, DOWN or RECORD */
	uint32_t generation; /* from 1 */
	uint32_t length; /* of the plaintext, at most ROTA_RECORD_PLAIN_MAX */
	uint8_t epoch[ROTA_RECORD_EPOCH_LEN];
	uint8_t nonce[ROTA_AEAD_NONCE_LEN];
};

/* Seal plain_len bytes that lie at room.p + ROTA_RECORD_HEAD_LEN_V1 already: the head goes before them and the tag
 * behind, plain_len + ROTA_RECORD_OVERHEAD bytes in all.
 * ROTA_ERR_LIMIT: plain_len above ROTA_RECORD_PLAIN_MAX, or no room. ROTA_ERR_FULL: this opening has sealed all that it
 * may; draw another. ROTA_ERR_ARGUMENT: k is of another epoch than the opening, or context is too long. Else aead's,
 * after which the count is used up and nothing of room may be used. */
ROTA_MUST_USE enum rota_err rota_record_seal(const struct rota_record_key *k,
	const struct rota_aead *aead, struct rota_record_opening *o, struct rota_span context,
	struct rota_buf room, size_t plain_len);

/* Read the head of a record that is all of `sealed`; nothing of it is authenticated yet.
 * ROTA_ERR_FORMAT: none, or shorter or longer than it says. ROTA_ERR_LIMIT: longer than ROTA_RECORD_PLAIN_MAX.
 * ROTA_ERR_UNSUPPORTED: of another version. */
ROTA_MUST_USE enum rota_err rota_record_head(struct rota_span sealed, struct rota_record_head *out);

/* Open in place; *plain points into `sealed`, and is empty after an error.
 * ROTA_ERR_SIGNATURE: not sealed with this key for this purpose, device and context; the plaintext's place is zeros.
 * ROTA_ERR_ARGUMENT: k is of another use, generation or epoch, or context is too long. Else rota_record_head()'s and
 * aead's. */
ROTA_MUST_USE enum rota_err rota_record_open(const struct rota_record_key *k,
	const struct rota_aead *aead, struct rota_span context, struct rota_buf sealed,
	struct rota_span *plain);

#endif
