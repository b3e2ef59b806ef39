/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/conn.h -- a gate between the socket and evhttp.
 *
 * evhttp reads from a filter that lets through only what host/http/head.h accepts, one request at a time
 * (nginx does not pipeline; bytes behind a request are refused), from a peer with the right uid, within
 * deadlines of our own: evhttp's count from the last byte, so a byte a second lasts for ever. Who breaks a rule
 * gets the status as a bare answer and the connection is shut down; evhttp sees the end of file and frees it.
 */
#ifndef APPS_ROTAD_CONN_H
#define APPS_ROTAD_CONN_H

#include "apps/rotad/shared.h"

struct event_base;
struct bufferevent;

/* What the connections of one worker have in common. */
struct gate {
	struct shared *shared;
	const uid_t *users; /* who may connect, beside root and ourselves */
	size_t user_count;
	uint64_t open; /* connections now */
	bool closing; /* take no further request */
};

/* For evhttp_set_bevcb(); `gate` is a struct gate. Never NULL: evhttp would make an unguarded one. */
struct bufferevent *conn_new(struct event_base *base, void *gate);

#endif
