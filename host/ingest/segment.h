/* SPDX-License-Identifier: Apache-2.0 */
/* host/ingest/segment.h -- the journal's files, read only.
 *
 * A journal is a directory of segments `NNNNNNNNNN.seg` (decimal, from 0000000001, no number missing
 * between the lowest and the highest). All but the highest are complete and never change. Behind the records of
 * the highest may lie zeros, which the writer has laid ahead of itself.
 *
 * A cursor walks records in order while the journal may be written by another thread or process: it keeps
 * its own file and buffer, and at the end it says so and can be asked again. One cursor, one thread.
 */
#ifndef HOST_INGEST_SEGMENT_H
#define HOST_INGEST_SEGMENT_H

#include "host/ingest/record.h"

#include <limits.h>

/* Name of a segment file with its NUL. */
#define ROTA_SEGMENT_NAME_LEN 15

/* Where and why a journal could not be used; filled on every error of this library. */
struct rota_ingest_fault {
	char file[ROTA_SEGMENT_NAME_LEN]; /* "" when the directory itself is meant */
	uint64_t offset; /* in that file */
	const char *what; /* half a sentence, static */
	int sys; /* errno, or 0 */
};

struct rota_segment_range {
	uint64_t low, high; /* both 0: no segment */
};

/* The segments in the directory `dir` (open descriptor). ROTA_ERR_CORRUPT: a number is missing. */
ROTA_MUST_USE enum rota_err rota_segment_list(
	int dir, struct rota_segment_range *out, struct rota_ingest_fault *fault);

void rota_segment_name(uint64_t number, char out[static ROTA_SEGMENT_NAME_LEN]);

/* Open segment `number` below `dir` with open(2)'s `flags` and check its header. *fd is the caller's. */
ROTA_MUST_USE enum rota_err rota_segment_open(int dir, uint64_t number, int flags,
	struct rota_segment_header *h, int *fd, struct rota_ingest_fault *fault);

struct rota_cursor; /* owns its descriptors and buffer */

/* A cursor before the record `from` (1, or 0 for the oldest there is).
 *
 * ROTA_ERR_VERSION  that record is older than the oldest segment
 * ROTA_ERR_IO, ROTA_ERR_CORRUPT, ROTA_ERR_NOT_FOUND (no such directory): fault says where
 */
ROTA_MUST_USE enum rota_err rota_cursor_open(
	const char *dir, uint64_t from, struct rota_cursor **out, struct rota_ingest_fault *fault);

/* The next record; its payload is valid until the next call.
 *
 * ROTA_ERR_NOT_FOUND  no whole record follows in the newest segment (yet)
 * ROTA_ERR_CORRUPT    a record cannot be read; fault says where. The cursor stays before it.
 */
ROTA_MUST_USE enum rota_err rota_cursor_next(
	struct rota_cursor *c, struct rota_record *out, struct rota_ingest_fault *fault);

/* Forget what was read ahead. For a reader that follows the writer record by record: behind the last durable record may
 * have stood what a failed commit took back since. */
void rota_cursor_forget(struct rota_cursor *c);

/* Where the next record starts. */
uint64_t rota_cursor_segment(const struct rota_cursor *c);
uint64_t rota_cursor_offset(const struct rota_cursor *c);
/* Its sequence, when it is there. */
uint64_t rota_cursor_sequence(const struct rota_cursor *c);

/* NULL is allowed. */
void rota_cursor_close(struct rota_cursor *c);

/* After rota_cursor_next() failed with `err`: is that the journal's end? ROTA_OK: yes; behind the cursor lie *torn bytes of
 * writes that nobody was told of, torn or in the making, and zeros. ROTA_ERR_CORRUPT: no, a later record says that the
 * unreadable one was durable. */
ROTA_MUST_USE enum rota_err rota_cursor_judge_end(
	struct rota_cursor *c, enum rota_err err, uint64_t *torn, struct rota_ingest_fault *fault);

struct rota_ingest_stats {
	uint64_t segments, records, bytes, first, last; /* first, last: sequences, 0 when empty */
	uint64_t torn; /* bytes of a torn tail, which the next writer cuts off */
};

/* Read every record of the journal at `dir` and say whether it is whole. */
ROTA_MUST_USE enum rota_err rota_ingest_check(
	const char *dir, struct rota_ingest_stats *out, struct rota_ingest_fault *fault);

#endif
