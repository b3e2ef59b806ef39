/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/parser_parts.h -- what the parser's two files share: its wait (parser.c), and one client's request
 * (request.c), which goes from its connection to the desk, into the log, to a token, and back as an answer. */
#ifndef APPS_ROTA_SIGND_PARSER_PARTS_H
#define APPS_ROTA_SIGND_PARSER_PARTS_H

#include "apps/rota-signd/crowd.h"
#include "apps/rota-signd/ledger.h"
#include "apps/rota-signd/standing.h"

struct parser {
	struct plan *plan;
	struct desk desk;
	struct ledger ledger;
	struct standing standing;
	struct crowd crowd;
	struct rota_pool_done done[ROTA_POOL_BATCH];
	struct signd_rows_done rows;
	struct rota_remote *remote; /* NULL: nobody from afar */
	uint64_t close_ms; /* when the next request that waits may be closed */
	uint64_t stop_ms; /* when it was told to stop */
	uint64_t linger_us; /* how long orders wait for more; 0: there are none */
	int waits; /* epoll's */
	int supervisor; /* a byte: the plan is to be made anew */
	bool stopping, broken;
	bool deaf; /* for a moment: what the log writer says wakes nobody */
	bool stale; /* an entry was not taken; what was judged since falls */
};

/* Of a clock that does not jump. */
uint64_t parser_now_ms(void);

/* A whole request stands in the connection: judge it, and enter it or answer it. */
void request_route(struct parser *p, struct conn *c);

/* Its entry is durable, or was not taken. */
void request_logged(struct parser *p, struct conn *c, const struct signd_logged *logged);

/* A holder answered: its n-th signature. */
void request_signed(struct parser *p, struct conn *c, size_t n, const struct rota_pool_done *done);

/* The registrar answered: some of its rows. */
void request_rows(struct parser *p, struct conn *c, const struct signd_rows_done *done);

/* Its time is over. ctx: the parser. */
void request_late(void *ctx, struct conn *c);

/* Hand a deed to the log writer; tag 0: nobody waits for it. That it failed ends the parser. */
void request_order(struct parser *p, uint64_t tag, const struct deed *deed);

#endif
