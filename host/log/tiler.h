/* SPDX-License-Identifier: Apache-2.0 */
/* host/log/tiler.h -- from the journal to static files and signed checkpoints (SPEC 21.5 to 21.7).
 *
 * A step brings DIR/public up to the entries that are durable: full tiles as they fill, then the partial ones that the
 * checkpoint needs, then the checkpoint, signed, first into DIR/head and then DIR/public/checkpoint. Each file is whole
 * and durable before the next one that needs it. No checkpoint covers an entry that is not durable: the tiler reads
 * no further than the committing thread says, and what it read ahead of that it forgets.
 *
 * The journal is the truth. Where the tiles at the right edge are not what the head says, or are gone, the files are made
 * anew from the first entry on: they come out the same.
 */
#ifndef HOST_LOG_TILER_H
#define HOST_LOG_TILER_H

#include "host/base/bytes.h"
#include "host/base/fail.h"
#include "rota/port/crypto.h"

struct rota_tiler_config {
	const char *dir; /* of the log, which was opened (host/log/log.h) */
	const char *head; /* NULL: DIR/head */
	const char *origin; /* of its checkpoints: rota_note_name_valid() */
	const struct rota_crypto *crypto;
	void *ctx;
	/* Append signature lines (rota_note_line()) over `text` to *lines. */
	enum rota_err (*sign)(
		void *ctx, struct rota_span text, struct rota_bytes *lines, struct rota_fail *why);
};

struct rota_tiler;

/* *config and what it points to stay in use. ROTA_ERR_ARGUMENT: the origin is no name. ROTA_ERR_CORRUPT: the head has
 * more entries than the journal, or is of another origin. ROTA_ERR_IO, ROTA_ERR_FULL. */
ROTA_MUST_USE enum rota_err rota_tiler_open(
	const struct rota_tiler_config *config, struct rota_tiler **out, struct rota_fail *why);

/* Make files of all entries before `durable`, as the committing thread says (rota_log_size()), and a checkpoint of them.
 * *size: of the checkpoint that now stands. Where it covers all of them already nothing is signed or written. After an
 * error, of `sign` too, the next step goes on. */
ROTA_MUST_USE enum rota_err rota_tiler_step(
	struct rota_tiler *t, uint64_t durable, uint64_t *size, struct rota_fail *why);

/* NULL is allowed. */
void rota_tiler_close(struct rota_tiler *t);

#endif
