/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/worker.h -- a thread with its own event loop: connections, identity, answers. */
#ifndef APPS_ROTAD_WORKER_H
#define APPS_ROTAD_WORKER_H

#include "apps/rotad/conn.h"
#include "apps/rotad/ends.h"
#include "apps/rotad/keys.h"
#include "apps/rotad/responder.h"
#include "host/identity/chain.h"

struct event_base;
struct event;
struct evhttp;
struct evhttp_bound_socket;

struct worker {
	struct shared *shared;
	struct gate gate, desk; /* of nginx, of operators */
	struct rota_chain *chain;
	struct keys keys;
	struct responder responder;
	struct ends ends;
	struct queue answers; /* of struct post, from ingest; the worker itself in it means: stop */
	uint64_t waiting; /* posts given away and not back yet */
	uint64_t asking; /* questions for the time that are under way (teller.h) */
	uint64_t awaiting; /* who waits for the database (await.h) */
	bool teller_failed; /* the last of them; it was said */
	uint64_t chain_asked; /* of it, already in the figures */
	struct event_base *base;
	struct event *wake, *linger;
	struct evhttp *http, *desk_http; /* the latter of one worker alone */
	struct evhttp_bound_socket *bound, *desk_bound;
	pthread_t thread;
};

/* Make ready and start; `listener` is a listening socket, duplicated here, as `desk` is, that of operators; -1: none. */
ROTA_MUST_USE enum rota_err worker_start(
	struct worker *w, struct shared *shared, int listener, int desk, struct rota_fail *why);

/* Take no new requests; those under way are answered. Any thread, once. */
void worker_stop(struct worker *w);

/* From the worker's own thread: something that it waited for has come back. */
void worker_returned(struct worker *w);

/* Wait for the end and release. */
void worker_join(struct worker *w);

#endif
