/* SPDX-License-Identifier: Apache-2.0 */
/* host/ingest/record.h -- how the ingest journal looks in a file.
 *
 * A segment is a header of 28 bytes, then records back to back; integers are little-endian.
 *
 *     header   "ROTASEG" 1 (8) | segment number (u64) | sequence of its first record (u64) | CRC-32
 *     record   "RR" (2) | type (u8) | format (u8) | payload length (u32) | sequence (u64) |
 *              durable (u64) | received, Unix ms (u64) | device id (32) | payload | CRC-32
 *
 * A CRC covers all before it. Sequences rise by one across segments. `durable` is the last sequence that was
 * known to be on disk when the record was written: a record that cannot be read, yet is counted durable by a
 * later one, is damage; one that nothing vouches for is the torn tail of a write that was never acknowledged.
 *
 * Behind the last record of the newest segment may lie zeros.
 *
 * Pure: bytes to structs and back, no files.
 */
#ifndef HOST_INGEST_RECORD_H
#define HOST_INGEST_RECORD_H

#include "rota/base/err.h"
#include "rota/base/span.h"

#define ROTA_SEGMENT_HEADER_LEN 28
#define ROTA_RECORD_HEAD_LEN 64
#define ROTA_RECORD_TAIL_LEN 4
/* Four times the largest request body of the device API (SPEC 13.2): room for later kinds of record. */
#define ROTA_RECORD_PAYLOAD_MAX 65536
#define ROTA_RECORD_MAX (ROTA_RECORD_HEAD_LEN + ROTA_RECORD_PAYLOAD_MAX + ROTA_RECORD_TAIL_LEN)
#define ROTA_DEVICE_ID_LEN 32

enum rota_record_type {
	ROTA_RECORD_CLOSE = 1, /* a clean end of writing: all before it is durable; no payload */
	ROTA_RECORD_REPORT = 2, /* body of POST /api/v1/report, as releases before wrote it */
	ROTA_RECORD_DELIVERY = 3, /* certificate and body: host/registry/delivery.h */
	/* The registry (SPEC 30.1); the device is that of the record, but for CAMPAIGN, which has none. */
	ROTA_RECORD_ENROL = 4, /* row and IDevID: host/registry/identity.h */
	ROTA_RECORD_STATEMENT = 5, /* what a device signed of its keys: rota/codec/statement.h */
	ROTA_RECORD_ROW = 6, /* a row that signd made: host/campaign/row.h */
	ROTA_RECORD_CAMPAIGN = 7, /* a step of a key campaign: host/registry/campaignlog.h */
	ROTA_RECORD_OWNER = 8, /* the device goes to another owner: host/registry/edit.h */
	ROTA_RECORD_EDIT = 9, /* what people say of a device: host/registry/edit.h */
	ROTA_RECORD_LOG =
		16, /* entry of the signing log: host/log/entry.h; in a journal of its own */
};

struct rota_record {
	uint64_t sequence; /* from 1 */
	uint64_t durable;
	uint64_t time_ms;
	uint8_t type; /* enum rota_record_type, or one that a later release knows */
	uint8_t device[ROTA_DEVICE_ID_LEN]; /* zeros where no device is meant */
	struct rota_span payload; /* points into what was decoded */
};

struct rota_segment_header {
	uint64_t number; /* from 1 */
	uint64_t first; /* sequence of the first record */
};

void rota_segment_header_encode(
	const struct rota_segment_header *h, uint8_t out[static ROTA_SEGMENT_HEADER_LEN]);

/* ROTA_ERR_CORRUPT: CRC or magic. ROTA_ERR_UNSUPPORTED: a format of a later release. */
ROTA_MUST_USE enum rota_err rota_segment_header_decode(
	struct rota_span in, struct rota_segment_header *out);

/* Encode into `room`, *len bytes. ROTA_ERR_LIMIT: payload too long, or no room. */
ROTA_MUST_USE enum rota_err rota_record_encode(
	const struct rota_record *r, struct rota_buf room, size_t *len);

/* Decode the record that `in` starts with; *len is its length.
 *
 * ROTA_ERR_LENGTH       `in` ends before the record does, or zeros lie where it is to come
 * ROTA_ERR_CORRUPT      no record starts here, or its CRC is wrong
 * ROTA_ERR_UNSUPPORTED  whole, but of a later format
 */
ROTA_MUST_USE enum rota_err rota_record_decode(
	struct rota_span in, struct rota_record *out, size_t *len);

#endif
