/* SPDX-License-Identifier: Apache-2.0 */
/* host/ingest/journal.h -- append to the ingest journal.
 *
 * What rotad acknowledges is here first. append() gathers records in memory, commit() writes them with one
 * write and one fdatasync (group commit); only then may anybody be told. The write that needs more of the disk lays zeros behind
 * itself, so that the next ones change nothing but bytes: their fdatasync costs half, and takes half as long. A commit that fails takes its records
 * back, so that the file never ends in something half-written that a later commit would follow: the journal
 * stays valid on a full disk, and goes on when there is room again. After an fdatasync that reported an I/O
 * error nothing can be known about the file (the kernel may have dropped the pages), so the journal then refuses
 * everything until it is opened anew.
 *
 * open() cuts off the torn tail that a power cut left, and refuses damage anywhere else. One writer at a time
 * (flock on `lock`), one thread. Readers use a cursor (segment.h).
 */
#ifndef HOST_INGEST_JOURNAL_H
#define HOST_INGEST_JOURNAL_H

#include "host/ingest/segment.h"

struct rota_ingest;

/* Bounds of the configured segment size: room for a record; and less than 1 GiB, so that dropping frees
 * space in pieces. */
#define ROTA_SEGMENT_MIN ((uint64_t)128 * 1024)
#define ROTA_SEGMENT_MAX ((uint64_t)1024 * 1024 * 1024)
/* Bytes that one commit gathers: bounds the wait of the first request in the group. */
#define ROTA_INGEST_GROUP_MAX ((size_t)4 * 1024 * 1024)

/* Open the journal in the directory `dir`, which exists; an empty one is made a journal.
 *
 * ROTA_ERR_BUSY       another process writes it
 * ROTA_ERR_CORRUPT    damage that is no torn tail; fault says where
 * ROTA_ERR_IO, ROTA_ERR_FULL, ROTA_ERR_UNSUPPORTED (a later release wrote it)
 * ROTA_ERR_ARGUMENT   segment_max outside its bounds
 */
ROTA_MUST_USE enum rota_err rota_ingest_open(const char *dir, uint64_t segment_max,
	struct rota_ingest **out, struct rota_ingest_fault *fault);

/* Gather a record (r->sequence and r->durable are set here). ROTA_ERR_FULL: commit first. ROTA_ERR_LIMIT:
 * the payload is too long. ROTA_ERR_STATE: an earlier fdatasync failed. */
ROTA_MUST_USE enum rota_err rota_ingest_append(struct rota_ingest *j, struct rota_record *r);

/* Make all gathered records durable, or none of them.
 *
 * ROTA_ERR_FULL   no room: the records are taken back, later commits may succeed
 * ROTA_ERR_IO     they are taken back too; ROTA_ERR_STATE from then on when the file cannot be trusted
 */
ROTA_MUST_USE enum rota_err rota_ingest_commit(
	struct rota_ingest *j, struct rota_ingest_fault *fault);

/* Sequence of the last durable record, 0 for none. */
uint64_t rota_ingest_durable(const struct rota_ingest *j);

/* Remove old segments of which every record is at or before `through`, leaving at least `keep` segments (the
 * newest always). The caller knows that each projection has a durable snapshot beyond `through`. */
ROTA_MUST_USE enum rota_err rota_ingest_drop(
	struct rota_ingest *j, uint64_t through, uint64_t keep, struct rota_ingest_fault *fault);

/* Commit what is gathered, write a closing record, release. NULL is allowed. The error is that of the commit;
 * the journal is closed all the same. */
ROTA_MUST_USE enum rota_err rota_ingest_close(
	struct rota_ingest *j, struct rota_ingest_fault *fault);

#endif
