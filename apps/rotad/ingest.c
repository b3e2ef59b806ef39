/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/ingest.h"
#include "apps/rotad/log.h"
#include "apps/rotad/post.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How often old segments are looked for. */
#define DROP_EVERY_S 30

struct group {
	struct post *post[INGEST_GROUP_MAX];
	size_t count;
};

static void complain(const char *what, const struct rota_ingest_fault *f)
{
	log_line("journal: %s: %s%s%s at byte %" PRIu64 "%s%s", what, f->what,
		f->file[0] ? " in " : "", f->file, f->offset, f->sys ? ": " : "",
		f->sys ? strerror(f->sys) : "");
}

/* Fill a group from the queue; a report that does not fit is an error of its own. */
static void gather(struct ingest *in, struct group *g)
{
	struct post *p;

	g->count = 0;
	while (g->count < INGEST_GROUP_MAX && (p = queue_pop(&in->shared->ingest)) != NULL) {
		p->record.payload = rota_span(p->payload, p->payload_len);
		p->result = rota_ingest_append(in->journal, &p->record);
		g->post[g->count++] = p;
	}
}

static void commit(struct ingest *in, struct group *g)
{
	struct figures *f = &in->shared->figures;
	struct rota_ingest_fault fault;
	enum rota_err err = rota_ingest_commit(in->journal, &fault);

	if (err == ROTA_OK) {
		atomic_store(&f->durable, rota_ingest_durable(in->journal));
		count_one(&f->groups);
	} else if (atomic_load(&f->ingest_ok)) {
		complain("reports are refused", &fault);
	}
	if (err == ROTA_OK && !atomic_load(&f->ingest_ok))
		log_line("journal: writing again");
	atomic_store(&f->ingest_ok, err == ROTA_OK);
	for (size_t i = 0; i < g->count; i++) {
		struct post *p = g->post[i];

		if (p->result == ROTA_OK)
			p->result = err;
		/* A worker's queue has room for all that it may have given away, and is open until it has it back. */
		if (!queue_push(p->home, p))
			abort();
	}
}

static void drop_old(struct ingest *in, time_t *last)
{
	const struct config *c = &in->shared->config;
	struct rota_ingest_fault fault;
	struct timespec now;
	uint64_t through;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (c->keep_segments == 0 || now.tv_sec - *last < DROP_EVERY_S)
		return;
	*last = now.tv_sec;
	through = atomic_load(&in->shared->figures.projected);
	if (atomic_load(&in->shared->figures.rowed) < through)
		through = atomic_load(&in->shared->figures.rowed);
	if (atomic_load(&in->shared->figures.snapshot) < through)
		through = atomic_load(&in->shared->figures.snapshot);
	if (rota_ingest_drop(in->journal, through, c->keep_segments, &fault) != ROTA_OK)
		complain("old segments stay", &fault);
}

static void *run(void *arg)
{
	struct ingest *in = arg;
	struct group g;
	time_t dropped = 0;
	bool closed;

	do {
		queue_wait(&in->shared->ingest);
		closed = queue_closed(&in->shared->ingest);
		for (gather(in, &g); g.count > 0; gather(in, &g)) {
			commit(in, &g);
			queue_push(&in->shared->projection, in->shared);
		}
		drop_old(in, &dropped);
	} while (!closed);
	return NULL;
}

bool ingest_start(struct ingest *in, struct shared *shared, struct rota_ingest *journal)
{
	*in = (struct ingest){ .shared = shared, .journal = journal };
	atomic_store(&shared->figures.durable, rota_ingest_durable(journal));
	atomic_store(&shared->figures.ingest_ok, true);
	return pthread_create(&in->thread, NULL, run, in) == 0;
}

bool ingest_join(struct ingest *in)
{
	struct rota_ingest_fault fault;

	pthread_join(in->thread, NULL);
	if (rota_ingest_close(in->journal, &fault) == ROTA_OK)
		return true;
	complain("closing failed", &fault);
	return false;
}
