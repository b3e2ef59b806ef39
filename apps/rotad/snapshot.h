/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/snapshot.h -- a copy of the database beside it, so that journal segments can go and nothing with them.
 *
 *     DATABASE.snapshot
 *
 * `rotad --rebuild` makes the database anew from the journal, as far as that goes back; what was in segments that keep_segments let go is in
 * the copy, and the journal goes on from there. So a segment goes only when a durable copy has all of it. The copy is made by a
 * thread of its own with a connection that only reads, when there is a segment that could go: reports and projection wait for nothing.
 */
#ifndef APPS_ROTAD_SNAPSHOT_H
#define APPS_ROTAD_SNAPSHOT_H

#include "apps/rotad/shared.h"

struct snapshot {
	struct shared *shared;
	uint64_t segments; /* the journal's newest when it was made */
	bool failed; /* the last one; it was said */
	pthread_t thread;
};

/* What the copy has, for ingest to go by. */
void snapshot_look(struct shared *shared);

/* Where the journal begins later than its first record, and a copy is there, put that in the place of the database, which nobody has
 * open. *restored: it was. */
ROTA_MUST_USE enum rota_err snapshot_restore(
	const struct config *c, bool *restored, struct rota_fail *why);

/* Nothing is done where no segments are dropped. false: no thread could be made. */
bool snapshot_start(struct snapshot *s, struct shared *shared);
/* After shared->snapshot was closed. */
void snapshot_join(struct snapshot *s);

#endif
