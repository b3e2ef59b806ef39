/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/proxy.h -- the notary of an authority whose online keys a signing daemon holds.
 *
 * With `signd` in rota.ini each party that is online is signed for by the daemon, all others by the tokens at hand; without
 * it, all by those.
 *
 * *What was granted must not be lost.* The daemon signs each version of a role once: who is killed between the grant and
 * the file's place could never sign that version again, nor the next. So each request lies in DIR/asks, durable, before it
 * is sent, and rota_proxy_settle() asks once more for each that has no file yet, with the same bytes (SPEC 18.7). The
 * same way an approved request comes to its signatures. Within a series the slots whose turn it is sign it too (host/repo/turn.h);
 * a file that cannot have all their signatures is remembered for its version, and not published.
 */
#ifndef HOST_NOTARY_PROXY_H
#define HOST_NOTARY_PROXY_H

#include "host/notary/client.h"
#include "host/repo/metadata.h"

/* Officers have so long to approve: a weekend. */
#define ROTA_PROXY_WAIT_S (3 * 86400)

struct rota_proxy {
	const struct rota_authdir *dir;
	struct rota_notary hand;
	char reason[ROTA_ASK_REASON_MAX + 1];
	struct rota_client *client; /* NULL: not asked yet */
	/* Called once where nobody listens: start a daemon (SPEC 18.8). NULL: nobody here does. */
	enum rota_err (*start)(void *ctx, struct rota_fail *why);
	void *start_ctx;
	struct rota_fail unkept; /* of rota_proxy_settle(); ROTA_OK: there is none */
};

/* `reason`: why it is asked for, one line; what does not fit is cut. Nothing is opened. */
void rota_proxy_init(struct rota_proxy *r, const struct rota_authdir *dir,
	struct rota_tokens *tokens, const char *reason);
void rota_proxy_close(struct rota_proxy *r);

/* It stays in use. ROTA_ERR_BUSY of its sign(): the request waits for approvals; `why` names it. */
struct rota_notary rota_proxy_notary(struct rota_proxy *r);

/* Wait until the daemon knows whose turn it is, for half a minute at most. *held: how many of these slots, the first ones, it holds.
 * ROTA_ERR_BUSY: not all, since its keeper does not let it, or it does not know. ROTA_ERR_NOT_FOUND: it sees no series. */
ROTA_MUST_USE enum rota_err rota_proxy_hold(struct rota_proxy *r, const uint64_t *slots,
	size_t count, size_t *held, struct rota_fail *why);

/* Under DIR/lock, before anything is signed: bring each request that was sent to an end. One that is granted gets its file
 * kept, one whose version has a file is forgotten, one that still waits is left. A refusal is told once: the
 * request is forgotten, and the error is that of its code. One whose signature counts for nothing now, as while the keys of its role
 * change, is left too, for r->unkept says which: what makes it count is another verb, which must not be kept from its work. */
ROTA_MUST_USE enum rota_err rota_proxy_settle(
	struct rota_proxy *r, struct rota_desk *desk, struct rota_fail *why);

#endif
