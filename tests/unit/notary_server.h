/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/notary_server.h -- a signing daemon that can be told to misbehave, in a process of its own.
 *
 * It reads requests with the daemon's own readers (host/http, host/notary), signs with the key of the scene's online
 * token, and judges one thing only: a version is granted once (SPEC 18.7). */
#ifndef TESTS_UNIT_NOTARY_SERVER_H
#define TESTS_UNIT_NOTARY_SERVER_H

#include "tests/unit/signer_soft.h"

#include <sys/types.h>

enum server_mood {
	SERVER_WELL,
	SERVER_ASKS_OFFICERS, /* what was not approved waits */
	SERVER_REFUSES, /* role */
	SERVER_RATES, /* rate */
	SERVER_HAS_NO_TOKEN, /* grants, and its token fails */
	SERVER_CUTS, /* grants, and the answer is lost */
	SERVER_LIES, /* signatures do not verify */
	SERVER_SAYS_NOTHING, /* a yes without a signature */
	SERVER_BABBLES, /* no answer of SPEC 18.5 */
	SERVER_MIXES_UP, /* shows another request, has another file, forgets a row */
};

/* Shared with the process. */
struct server_board {
	enum server_mood mood;
	unsigned asks, files; /* requests that came; texts that the last one carried */
	unsigned uploads;
};

struct server {
	pid_t pid;
	struct server_board *board;
	char socket[108];
};

/* The request of the only campaign that it knows, of role keys-link. */
extern const char server_campaign[];

/* It listens when this returns. */
bool server_begin(struct server *s, const char *socket, struct soft *soft);
void server_end(struct server *s);

#endif
