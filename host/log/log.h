/* SPDX-License-Identifier: Apache-2.0 */
/* host/log/log.h -- the signing log as the log writer has it (SPEC 21).
 *
 *     DIR/journal   a journal of host/ingest, never dropped: the truth, with the private records
 *     DIR/public    static files for everybody, made from it by the tiler (tiler.h)
 *     DIR/head      the last signed checkpoint, durable before it is published
 *
 * Entries are gathered by append() and made durable by commit(), with one write and one fdatasync; only then may anything
 * be signed that they grant. A log never goes back: open() compares all that was ever said of it and was kept (the head,
 * which may lie on another file system, what is published, what a witness has) with what the journal has, and does
 * not append to one that has less, or something else.
 *
 * One thread appends and commits. Another may make tiles meanwhile, told by the first how many entries are durable.
 */
#ifndef HOST_LOG_LOG_H
#define HOST_LOG_LOG_H

#include "host/base/fail.h"
#include "host/log/entry.h"

#define ROTA_LOG_HEADS_MAX 16 /* witnesses, and the two of its own */

struct rota_log_config {
	const char *dir; /* exists */
	const char *head; /* its file; NULL: DIR/head */
	const char *const *
		seen; /* further files with checkpoints of this log; those that do not exist are passed over */
	size_t seen_count; /* at most ROTA_LOG_HEADS_MAX - 2 */
	const struct rota_crypto *crypto;
	/* Is told of each entry in order while the log is opened; an error of its ends that. NULL: nobody asks. */
	enum rota_err (*each)(
		void *ctx, uint64_t index, const struct rota_leaf *leaf, struct rota_span record);
	void *ctx;
};

struct rota_log;

/* ROTA_ERR_CORRUPT: the journal is damaged, or a checkpoint has more entries than it, or another root: the log was put
 * back or replaced, an incident that a person has to look at. ROTA_ERR_BUSY: another process writes it. ROTA_ERR_IO,
 * ROTA_ERR_FULL, ROTA_ERR_UNSUPPORTED (a later release wrote it), ROTA_ERR_FORMAT (a checkpoint file that is none). */
ROTA_MUST_USE enum rota_err rota_log_open(
	const struct rota_log_config *config, struct rota_log **out, struct rota_fail *why);

/* Entries that are durable. */
uint64_t rota_log_size(const struct rota_log *log);

/* Gather an entry; leaf->record is set here, from a salt drawn anew. *index is the entry's when it is committed.
 * ROTA_ERR_FULL: the group is full, commit first. ROTA_ERR_LIMIT: leaf or record too long. ROTA_ERR_STATE: an earlier
 * fdatasync failed; open the log anew. */
ROTA_MUST_USE enum rota_err rota_log_append(struct rota_log *log, struct rota_leaf *leaf,
	struct rota_span record, uint64_t *index, struct rota_fail *why);

/* Make what is gathered durable, or none of it. After an error nothing of the group is in the log, its indexes are given
 * anew, and nothing of it may be signed. ROTA_ERR_FULL: no room; later ones may succeed. ROTA_ERR_IO, ROTA_ERR_STATE. */
ROTA_MUST_USE enum rota_err rota_log_commit(struct rota_log *log, struct rota_fail *why);

/* Commit and release. NULL is allowed. */
ROTA_MUST_USE enum rota_err rota_log_close(struct rota_log *log, struct rota_fail *why);

/* "DIR/name" into `to`. ROTA_ERR_LIMIT: too long. */
ROTA_MUST_USE enum rota_err rota_log_path(
	const char *dir, const char *name, struct rota_buf to, struct rota_fail *why);

/* A fault of the journal as a sentence; gives `err`. */
struct rota_ingest_fault;
enum rota_err rota_log_fault(struct rota_fail *why, enum rota_err err, const char *dir,
	const struct rota_ingest_fault *fault);

#endif
