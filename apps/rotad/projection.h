/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/projection.h -- the thread that owns the database. */
#ifndef APPS_ROTAD_PROJECTION_H
#define APPS_ROTAD_PROJECTION_H

#include "apps/rotad/checkpoints.h"
#include "apps/rotad/key_figures.h"
#include "apps/rotad/shared.h"
#include "host/ingest/segment.h"

struct projection {
	struct shared *shared;
	const struct rota_db *db;
	const struct rota_regdb *reg; /* tables of the same database */
	struct rota_cursor *cursor; /* before the first record that the database lacks */
	struct checkpoints checkpoints;
	struct rota_registry_log log; /* them */
	struct key_figures keys;
	uint64_t position;
	pthread_t thread;
};

/* Put a cursor where the database ends. `through` is the journal's last record: a database that knows more
 * than the journal means that the journal was replaced or cut. */
ROTA_MUST_USE enum rota_err projection_open(struct projection *p, struct shared *shared,
	const struct rota_db *db, const struct rota_regdb *reg, uint64_t through,
	struct rota_fail *why);

/* The same with an empty database, from the oldest record that the journal has. */
ROTA_MUST_USE enum rota_err projection_rebuild(struct projection *p, struct shared *shared,
	const struct rota_db *db, const struct rota_regdb *reg, struct rota_fail *why);

/* Release what open made; after a failed open too. */
void projection_close(struct projection *p);

/* Apply everything up to the sequence `through` in this thread. */
ROTA_MUST_USE enum rota_err projection_catch_up(
	struct projection *p, uint64_t through, struct rota_fail *why);

bool projection_start(struct projection *p);

/* After the signal queue was closed: wait until all that is durable is in the database. */
void projection_join(struct projection *p);

#endif
