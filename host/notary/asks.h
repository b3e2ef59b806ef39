/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/asks.h -- requests that were sent and may have been granted, as files: DIR/asks/DIGEST.
 *
 * A file is there before its request is sent, and goes when nothing can come of it any more (host/notary/proxy.h).
 */
#ifndef HOST_NOTARY_ASKS_H
#define HOST_NOTARY_ASKS_H

#include "host/notary/ask.h"
#include "host/repo/store.h"

/* Durable on return. `digest`: of the text, as digits. */
ROTA_MUST_USE enum rota_err rota_asks_put(const struct rota_authdir *dir, const char *digest,
	struct rota_span text, struct rota_fail *why);

/* One that cannot be removed stays, which does no harm. */
void rota_asks_remove(const struct rota_authdir *dir, const char *digest);

/* Each of them, for rota_ask_free() after the call. The first error ends it. ROTA_ERR_HASH: a file is not of its name. */
ROTA_MUST_USE enum rota_err rota_asks_each(const struct rota_authdir *dir,
	enum rota_err (*each)(void *ctx, const struct rota_ask *ask, struct rota_fail *why),
	void *ctx, struct rota_fail *why);

/* Put the text of a target into `files` under its path. */
ROTA_MUST_USE enum rota_err rota_asks_text(const struct rota_authdir *dir, const char *path,
	const struct rota_store_target *target, json_t *files, struct rota_fail *why);

#endif
