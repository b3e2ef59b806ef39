/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/ingest.h -- the thread that owns the journal. */
#ifndef APPS_ROTAD_INGEST_H
#define APPS_ROTAD_INGEST_H

#include "apps/rotad/shared.h"
#include "host/ingest/journal.h"

/* Reports that one fdatasync makes durable at most; a group ends when the queue is empty, so that nobody waits
 * for company. As many of the largest fit what a journal gathers. */
#define INGEST_GROUP_MAX 250

struct ingest {
	struct shared *shared;
	struct rota_ingest *journal;
	pthread_t thread;
};

/* Start with an open journal, which the thread closes at its end. false: no thread could be made. */
bool ingest_start(struct ingest *in, struct shared *shared, struct rota_ingest *journal);

/* After the queue was closed: wait until all that was in it is durable and sent back. false: closing the
 * journal failed, which was logged. */
bool ingest_join(struct ingest *in);

#endif
