/* SPDX-License-Identifier: Apache-2.0 */
/* host/keys/named.h -- which keys count now, for what and since when, as the authority's public records say.
 *
 * Roles by the published root and targets, verified from the anchor; sets by trust/image-keys.json,
 * trust/recovery-keys.json and the certificates in ca/, which have counted since the first root.
 */
#ifndef HOST_KEYS_NAMED_H
#define HOST_KEYS_NAMED_H

#include "host/base/json.h"
#include "host/sign/authdir.h"

struct rota_keys_named {
	void *ctx;
	/* A key and one use of it. `since_s`: issue of the file that names it, or its slot's begin. `end_s`: its slot's end and the hour after
	 * it (SPEC 4.6), 0 where the period alone ends it. */
	void (*key)(void *ctx, const char *id, const char *use, uint64_t since_s, uint64_t end_s);
};

/* Tell of each. *there: there is a repository to read; an offline machine has none, and nothing is told.
 * *newest_s: when root and targets were issued that say so, the later of the two. As rota_store_verified(). */
ROTA_MUST_USE enum rota_err rota_keys_named(const struct rota_authdir *dir,
	const struct rota_keys_named *sink, bool *there, uint64_t *newest_s, struct rota_fail *why);

#endif
