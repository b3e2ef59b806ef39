/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/ledger.h -- the parser's side of the log: what was entered before, and what is to be entered.
 *
 * The log is the truth, and another process writes it. At the start all its entries are read into records, by which the
 * judge goes; so they are again when an entry was not taken, as everything was judged as if it had been (message.h).
 */
#ifndef APPS_ROTA_SIGND_LEDGER_H
#define APPS_ROTA_SIGND_LEDGER_H

#include "apps/rota-signd/message.h"
#include "apps/rota-signd/pending.h"
#include "apps/rota-signd/plan.h"
#include "host/notary/record.h"

#include <sys/uio.h>

#define LEDGER_PARTS 3 /* head, leaf, record */

struct ledger {
	struct plan *plan; /* given */
	/* Given: is told of each answer to an order. */
	void (*logged)(void *ctx, const struct signd_logged *logged);
	void *ctx;
	struct rota_records *records;
	struct pending pending;
	uint64_t entries; /* of the log, as far as it answered */
	uint32_t round;
	size_t count, len; /* orders that are gathered, and their bytes */
	uint64_t since_us; /* when the first of them came */
	struct signd_order head[SIGND_ORDERS_MAX];
	struct iovec part[SIGND_ORDERS_MAX * LEDGER_PARTS];
	uint8_t room[SIGND_LOGGED_MAX];
};

/* Read all entries; adopt what stands of scopes that the log knows nothing of (SPEC 19.6). Once more: forget, and read all
 * of them anew. Answers that come before are told. ROTA_ERR_IO: the log writer is gone. Others as rota_records_load(),
 * pending_load(), rota_records_adopt(). */
ROTA_MUST_USE enum rota_err ledger_read(struct ledger *l, struct rota_fail *why);
void ledger_close(struct ledger *l);

/* What goes with an order. */
struct ledger_parts {
	const uint8_t *leaf;
	struct rota_span record;
	struct rota_span ask; /* that officers approved; else empty */
};

/* Gather an order, behind those before; its tag is the answer's. What its parts name stays as it is until ledger_send(). false: the log writer is gone, or memory is. */
ROTA_MUST_USE bool ledger_order(struct ledger *l, uint64_t tag, const struct signd_order *order,
	const struct ledger_parts *parts);
ROTA_MUST_USE bool ledger_send(struct ledger *l);

/* How long the orders that are gathered wait for company, from `now_us` on; 0: no longer, or there are none. A sync and a message cost
 * the same for one as for ten, so that a third of the requests under way go together while the others are signed. Who is alone
 * never waits, and nobody longer than LEDGER_LINGER_US. */
#define LEDGER_LINGER_US 300 /* a sync and its signatures take several times as long */
uint64_t ledger_linger(struct ledger *l, size_t under_way, uint64_t now_us);

/* Answers that are there. false: the log writer is gone. */
ROTA_MUST_USE bool ledger_hear(struct ledger *l);

#endif
