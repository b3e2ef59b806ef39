/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/rows.h -- the thread that has a row made of each statement that changes one (SPEC 30.2, 35.4).
 *
 *     journal: STATEMENT  ->  row that is here || statement  ->  signing daemon, kind `rows`  ->  journal: ROW
 *
 * It follows the journal with a cursor of its own, behind the projection (batch.h), and notes in a file how far it is. After a kill some
 * statements are asked for again: the same item has always the same row, which the registry then takes for a repeat.
 *
 * While the daemon is away statements are taken as ever, and wait; their segments are not dropped.
 */
#ifndef APPS_ROTAD_ROWS_H
#define APPS_ROTAD_ROWS_H

#include "apps/rotad/batch.h"
#include "apps/rotad/shared.h"
#include "ports/db_sqlite/registry.h"

struct rows {
	struct shared *shared;
	struct rota_db_sqlite *sqlite; /* for looking */
	struct rota_regdb reg;
	struct rota_client *client; /* NULL: not connected */
	struct queue home; /* rows that are durable, or not */
	char *path; /* of the note */
	uint64_t noted; /* as in the file */
	bool failed; /* the last batch; it was said */
	struct batch batch;
	pthread_t thread;
};

/* Where the note says. ROTA_OK too where no [keys] are set: then nothing is done. Release with rows_close(). */
ROTA_MUST_USE enum rota_err rows_open(struct rows *r, struct shared *shared, struct rota_fail *why);
void rows_close(struct rows *r);

/* false: no thread could be made. */
bool rows_start(struct rows *r);
/* After shared->rows was closed, and before ingest ends. */
void rows_join(struct rows *r);

#endif
