/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/conn.h -- a client's connection: one request at a time, within its deadline.
 *
 * Each byte passes host/http/head.h. Who breaks a rule gets a bare status, and the end.
 */
#ifndef APPS_ROTA_SIGND_CONN_H
#define APPS_ROTA_SIGND_CONN_H

#include "apps/rota-signd/desk.h"
#include "apps/rota-signd/route.h"
#include "host/notary/remote.h"

enum conn_phase {
	CONN_FREE,
	CONN_HEAD, /* between requests, or in one's head */
	CONN_BODY,
	CONN_LOG, /* the entry is being made */
	CONN_TOKEN, /* entered; the signature is awaited */
	CONN_SEND, /* the answer is on its way, `out` */
};

struct conn {
	enum conn_phase phase;
	int fd;
	uint32_t watched; /* what the parser waits for: EPOLLIN or EPOLLOUT; 0: nothing yet */
	uid_t peer; /* as the kernel says */
	bool stranger; /* signd.ini does not know him */
	uint64_t tag; /* of what is under way; never one that was */
	uint64_t until_ms; /* of this phase */
	struct rota_identity who;
	const struct plan *plan;
	struct rota_remote *remote; /* each request says who sent it; NULL: who connected */
	struct rota_bytes in;
	size_t head_len; /* from here on: CONN_BODY and later */
	uint64_t body_len;
	struct route route;
	struct rota_artifact_reader *reader; /* of a body that is not kept; NULL: it is of no use */
	uint64_t streamed; /* bytes of such a body */
	uint64_t begun_ms; /* when it began */
	uint8_t missing; /* CONN_TOKEN: signatures */
	struct rota_bytes out;
	size_t sent; /* of `out` */
	bool last; /* the connection ends with this answer */
	bool gone; /* the client; what he asked for goes on */
	bool served; /* it has had an answer, and no request since */
	struct deed deed; /* CONN_LOG, CONN_TOKEN */
};

/* Take over a socket that was accepted; remote: of clients behind nginx. false: it is shut again. */
bool conn_open(struct conn *c, int fd, const struct plan *plan, struct rota_remote *remote,
	uint64_t now_ms);
void conn_close(struct conn *c);

/* The client is gone, or cut off. What is entered, or is being, is seen to its end. */
void conn_leave(struct conn *c);

/* Read what is there, `room` bytes at most with what is held already. true: a request is whole, head and body in `in`; of an
 * artifact the reader has seen all of it. */
bool conn_read(struct conn *c, size_t room, uint64_t now_ms);

/* The body of the request at hand, taken out. */
struct rota_bytes conn_body(struct conn *c);

/* More of an answer that did not fit into the socket. */
void conn_send(struct conn *c, uint64_t now_ms);

/* Answer and wait for the next request, or shut. `retry_s`: 0, no word of it. */
void conn_answer(
	struct conn *c, int status, struct rota_span body, uint64_t retry_s, uint64_t now_ms);

#endif
