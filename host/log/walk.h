/* SPDX-License-Identifier: Apache-2.0 */
/* host/log/walk.h -- the entries of a log in order, for who looks for one: from what is published, or from the journal,
 * where the private records are.
 *
 * Nothing is verified here but that a private record is its entry's; verify.h does the rest.
 */
#ifndef HOST_LOG_WALK_H
#define HOST_LOG_WALK_H

#include "host/log/entry.h"
#include "host/log/policy.h"
#include "host/log/tiles.h"

/* Is told of each entry; `salt` and `record` are empty where it comes from what is published. Its error ends the walk and
 * is the result. */
struct rota_log_visitor {
	void *ctx;
	enum rota_err (*take)(void *ctx, const struct rota_log_entry *entry, struct rota_fail *why);
};

/* The first `size` entries. Those of a later format are passed over. ROTA_ERR_FORMAT: an entry is none, or a file is cut
 * short. ROTA_ERR_NOT_FOUND: a file is gone. */
ROTA_MUST_USE enum rota_err rota_log_walk(const struct rota_tiles *files, uint64_t size,
	const struct rota_log_visitor *visitor, struct rota_fail *why);

/* All entries of the journal in this directory. ROTA_ERR_CORRUPT: one is damaged, or its private record is not its own. */
ROTA_MUST_USE enum rota_err rota_log_walk_journal(const struct rota_crypto *crypto,
	const char *journal, const struct rota_log_visitor *visitor, struct rota_fail *why);

/* The proof (SPEC 22.3) of the newest entry that a device takes for `path`: of this digest, or of any where it is NULL.
 * *out is the caller's; `digest` says which it is. The checkpoint that is published must be good by `policy`, witnesses
 * included: its signatures go into the proof.
 * ROTA_ERR_NOT_FOUND: no such entry; ROTA_ERR_HASH: the tiles do not give the root that was signed; and those of
 * rota_log_policy_open(). */
ROTA_MUST_USE enum rota_err rota_log_prove(const struct rota_crypto *crypto,
	const struct rota_tiles *files, const struct rota_log_policy *policy, const char *path,
	const uint8_t *sha256, struct rota_bytes *out, uint8_t digest[static ROTA_SHA256_LEN],
	struct rota_fail *why);

#endif
