/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/gc.h -- remove from a repository what no reader can still ask for.
 *
 * A reader takes a snapshot only while it has not expired. So who began within the grace time reads a snapshot that
 * expires after (now - grace), or the current one; what none of those lists, directly or through a role file or bin
 * that it lists, can go. It stays all the same while it is younger than the grace time itself (an upload, a release
 * that is being put together), while something staged lists it, and when it is a root or a recovery order, always.
 *
 * Snapshots go first, then role files, then targets: a run that is cut off leaves no list of what is gone. Under
 * DIR/lock, so never beside a publish.
 */
#ifndef HOST_REPO_GC_H
#define HOST_REPO_GC_H

#include "host/repo/reach.h"
#include "host/sign/authdir.h"

struct rota_gc_plan {
	uint64_t now, grace_s;
	bool dry_run; /* say what would go */
	void *ctx;
	void (*gone)(void *ctx, const struct rota_stray *file);
};

struct rota_gc_done {
	uint64_t metadata, targets, bytes; /* files removed, and their bytes together */
	uint64_t snapshots; /* that are kept, the current one included */
};

/* ROTA_ERR_*: a file that the current snapshot reaches is missing or not what was listed. Nothing is removed then. */
ROTA_MUST_USE enum rota_err rota_gc(const struct rota_authdir *dir, const struct rota_gc_plan *plan,
	struct rota_gc_done *out, struct rota_fail *why);

#endif
