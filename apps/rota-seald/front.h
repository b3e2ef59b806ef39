/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-seald/front.h -- the door that nginx knocks at: one request a connection, one connection at a time.
 *
 * An answer has keys in it, so nothing of it passes through a library: head and answer lie in two rooms of this process, which are
 * wiped behind each request. Requests are few and short, and each waits for the log in any case.
 */
#ifndef APPS_ROTA_SEALD_FRONT_H
#define APPS_ROTA_SEALD_FRONT_H

#include "host/base/fail.h"
#include "rota/base/span.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define FRONT_BODY_MAX 1024

struct front_request {
	struct rota_span target; /* of a GET */
	struct rota_span certificate; /* as nginx says it; empty: the client showed none */
};

struct front_answer {
	int status;
	uint64_t retry_s; /* 0: no word of it */
	char body[FRONT_BODY_MAX]; /* JSON */
	size_t len;
	bool last; /* no request is served behind this one */
};

typedef void (*front_fn)(
	void *ctx, const struct front_request *request, struct front_answer *answer);

/* Serve a listening socket, to peers of this user alone, until SIGTERM or SIGINT, or behind an answer that is to be the last. */
void front_run(int fd, uid_t peer, front_fn answer, void *ctx);

#endif
