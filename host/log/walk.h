/* SPDX-License-Identifier: Apache-2.0 */
/* host/log/walk.h -- the entries of a log in order, for who looks for one: from what is published, or from the journal,
 * where the private records are.
 *
 * Nothing is verified here but that a private record is its entry's; verify.h does the rest.
 */
#ifndef HOST_LOG_WALK_H
#define HOST_LOG_WALK_H

#include "host/log/entry.h"
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

#endif
