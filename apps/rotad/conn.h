/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/conn.h -- a gate between the socket and evhttp.
 *
 * evhttp reads from a filter that lets through only what host/http/head.h accepts, one request at a time
 * (nginx does not pipeline; bytes behind a request are refused), from a peer with the right uid, within
 * deadlines of our own: evhttp's count from the last byte, so a byte a second lasts for ever. Who breaks a rule
 * gets the status as a bare answer and the connection is shut down; evhttp sees the end of file and frees it.
 *
 * A request that a million devices make in a day, for their key bundles, is answered here: the head is read by then, and
 * evhttp would take half of the time.
 */
#ifndef APPS_ROTAD_CONN_H
#define APPS_ROTAD_CONN_H

#include "apps/rotad/shared.h"
#include "host/http/head.h"

#define CONN_DIRECT_MAX 2048 /* of an answer that evhttp does not give */

struct event_base;
struct bufferevent;

/* What the connections of one worker have in common. */
struct gate {
	struct shared *shared;
	const uid_t *users; /* who may connect, beside root and ourselves */
	size_t user_count;
	/* What is answered here, without evhttp; NULL: nothing is. `in` is a whole head that was taken, of a request without a body. Gives
	 * the length of the answer in `out`, head and all, or 0: it is for evhttp. */
	size_t (*direct)(void *ctx, const struct rota_http_head *head, struct rota_span in,
		struct rota_buf out);
	void *direct_ctx;
	uint64_t open; /* connections now */
	bool closing; /* take no further request */
};

/* For evhttp_set_bevcb(); `gate` is a struct gate. Never NULL: evhttp would make an unguarded one. */
struct bufferevent *conn_new(struct event_base *base, void *gate);

#endif
