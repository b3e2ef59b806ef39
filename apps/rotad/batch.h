/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/batch.h -- statements of the journal from which another row of the registry follows, in batches (SPEC 30.2, 30.8, 35.4).
 *
 *     batch_gather()   on from where the last one ended, as far as the registry has come
 *     batch_next()     how many of them to ask for now
 *     batch_made() or batch_busy()
 *
 * Of a device one statement goes into a batch, since the next row follows from that one's: the second one is kept for the next batch.
 * So is one whose device cannot be looked up for the moment: nothing is passed over because a look failed.
 *
 * The daemon's rule counts items, and refuses more of them at once than it grants in its whole span, however long one waits
 * (19.4). What was refused is asked for in halves from then on, until it goes; then in doubles again.
 */
#ifndef APPS_ROTAD_BATCH_H
#define APPS_ROTAD_BATCH_H

#include "host/campaign/row.h"
#include "host/ingest/segment.h"
#include "host/notary/registrar.h"
#include "host/port/regdb.h"

#define BATCH_ITEMS_MAX ROTA_REGISTRAR_ITEMS_MAX

struct batch_item {
	uint8_t device[ROTA_DEVICE_ID_LEN];
	uint8_t bytes[ROTA_ROW_LEN + ROTA_STATEMENT_MAX]; /* SPEC 30.8 */
	size_t len;
};

/* Zeroed, but for `cursor`, `reg`, and `read` where the cursor is not at the beginning. Not to be moved. */
struct batch {
	const struct rota_regdb *reg;
	struct rota_cursor *cursor;
	struct rota_record kept; /* sequence 0: none; else read, and not yet looked at */
	uint8_t kept_bytes[ROTA_STATEMENT_MAX];
	uint64_t read; /* last record that was looked at */
	size_t most; /* to ask for at once; 0: all */
	size_t count;
	struct batch_item item[BATCH_ITEMS_MAX];
};

/* Records up to the one of number `end`, which the registry has: some ten thousand of them at most. An error is the database's or the journal's, and comes
 * only where the batch is empty: what is in it is made first, and the next call goes on before the record that it came of. */
ROTA_MUST_USE enum rota_err batch_gather(struct batch *b, uint64_t end, struct rota_fail *why);

/* How many items, from the first on; 0: there is nothing to ask for. */
size_t batch_next(const struct batch *b);

/* The first `n` have their rows, or are to have none. */
void batch_made(struct batch *b, size_t n);

/* So many at once were refused for now. */
void batch_busy(struct batch *b, size_t n);

#endif
