/* SPDX-License-Identifier: Apache-2.0 */
/* host/log/entry.h -- an entry of the signing log as it stands in the journal (SPEC 21.1, 21.3).
 *
 * A record of host/ingest of the type ROTA_RECORD_LOG. Its device field is the entry's index (u64) and zeros: the
 * journal's own sequence counts closing records too. Its payload is
 *
 *     length of leaf (u16) || leaf || salt (16) || private record
 *
 * The leaf is what everybody may read. It has SHA-256("rota-log-record-v1" || salt || private record), so that the
 * record can be shown to whom it concerns, and not be guessed by the others.
 */
#ifndef HOST_LOG_ENTRY_H
#define HOST_LOG_ENTRY_H

#include "host/ingest/record.h"
#include "rota/codec/leaf.h"

#define ROTA_LOG_SALT_LEN 16
#define ROTA_LOG_PRIVATE_MAX                                                                       \
	60000 /* of a private record: with leaf and salt within a journal's record */
#define ROTA_LOG_PAYLOAD_MAX (2 + ROTA_LEAF_MAX + ROTA_LOG_SALT_LEN + ROTA_LOG_PRIVATE_MAX)

struct rota_log_entry {
	uint64_t index; /* from 0 */
	struct rota_leaf leaf;
	struct rota_span bytes; /* the leaf's */
	struct rota_span salt;
	struct rota_span record; /* canonical JSON */
};

/* The leaf's `record` for this salt and private record. */
void rota_log_record_digest(const struct rota_crypto *crypto, struct rota_span salt,
	struct rota_span record, uint8_t out[static ROTA_SHA256_LEN]);

/* Make `r` (its type, index and payload) of an entry; `leaf` is encoded, all other members of `e` are given. The payload
 * is in `room`, ROTA_LOG_PAYLOAD_MAX is enough. ROTA_ERR_LIMIT: the leaf or the record is too long. */
ROTA_MUST_USE enum rota_err rota_log_entry_write(
	const struct rota_log_entry *e, struct rota_buf room, struct rota_record *r);

/* Read it back; spans point into the payload. ROTA_ERR_CORRUPT: no entry, or a private record that is not the leaf's.
 * ROTA_ERR_UNSUPPORTED: a leaf of a later release. */
ROTA_MUST_USE enum rota_err rota_log_entry_read(
	const struct rota_crypto *crypto, const struct rota_record *r, struct rota_log_entry *out);

#endif
