/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/post.h -- a record of the journal on its way to the disk, and back to the worker that answers.
 *
 *     worker: post_new(), fill in device and payload, post_send()
 *     ingest: append, fdatasync, result
 *     worker: post_returned(): tell()
 */
#ifndef APPS_ROTAD_POST_H
#define APPS_ROTAD_POST_H

#include "apps/rotad/shared.h"

struct worker;

struct post {
	struct evhttp_request *request; /* the worker's, NULL once the client is gone */
	struct queue *home; /* where to send it back: the worker's queue, or whoever waits for it */
	/* The answer, by the worker, once `result` is there. Where the client is gone there is nobody to answer. */
	void (*tell)(struct worker *w, struct post *p);
	void *arg; /* of tell */
	uint64_t acknowledge; /* of a report: greatest event sequence */
	enum rota_err result; /* set by ingest */
	struct rota_record record;
	size_t payload_len;
	uint8_t payload[];
};

/* For a worker, or NULL: the caller says where its home is. Received now, with room for so many bytes of payload; device and payload are zeros. NULL: out of memory. */
struct post *post_new(struct worker *w, enum rota_record_type type, size_t payload_len);

/* The same to another thread, which gives it back with post->home in the same way. */
bool post_send_to(struct queue *to, struct worker *w, struct evhttp_request *request,
	struct post *p, const char *busy);

/* Takes it. false: too many wait, and the client got 503. */
bool post_send(struct worker *w, struct evhttp_request *request, struct post *p);

/* Ingest is done with it: answer, and free it. */
void post_returned(struct worker *w, struct post *p);

#endif
