/* SPDX-License-Identifier: Apache-2.0 */
/* host/agent/metastore.h -- the verified metadata of one repository, as files.
 *
 *     DIR/7.root.json  DIR/timestamp.json  DIR/12.snapshot.json  DIR/3.releases.json ...
 *
 * A cache that trust does not rest on: what is trusted stands in the device journal by version and digest, and
 * a file from here is hashed again when it is read. So losing this folder costs a download, never more.
 *
 * A file that is being fetched is staged; keep() makes the staged file durable under its own name (fsync,
 * rename, fsync of the folder) before the journal speaks of it, prune() removes older versions of all that was kept
 * when it does.
 * The staged file stays readable until the next one begins.
 */
#ifndef HOST_AGENT_METASTORE_H
#define HOST_AGENT_METASTORE_H

#include "host/base/file.h"
#include "rota/base/span.h"

/* Of a file's name with its NUL: the longest that file systems take. */
#define ROTA_META_NAME_MAX 256

/* Files kept between two prunings: every role that a device follows, each with a bin. */
#define ROTA_META_KEPT_MAX 24

struct rota_metastore {
	char dir[ROTA_FILE_PATH_MAX];
	struct rota_draft draft; /* the staged file */
	char staged[ROTA_META_NAME_MAX]; /* its name to be; empty: none */
	bool whole; /* it was fetched to its end */
	char kept[ROTA_META_KEPT_MAX][ROTA_META_NAME_MAX]; /* since the last pruning */
	uint8_t kept_count;
};

/* Make `dir` where it is not, and remove what an interrupted run left there. */
ROTA_MUST_USE enum rota_err rota_metastore_open(
	struct rota_metastore *m, const char *dir, struct rota_fail *why);
void rota_metastore_close(struct rota_metastore *m);

/* A file's name in a repository and here: version 0 is a name without one. ROTA_ERR_LIMIT: a role's name
 * that is longer than ROTA_ROLE_NAME_MAX, or whose file would have too long a name. */
ROTA_MUST_USE enum rota_err rota_meta_name(
	struct rota_span role, uint64_t version, char name[static ROTA_META_NAME_MAX]);

/* Whether there is a copy, staged or kept. */
bool rota_metastore_has(const struct rota_metastore *m, const char *name);

/* Feed the file to `take`, from the staged or the kept copy. ROTA_ERR_NOT_FOUND: there is none. What
 * `take` refuses is the result. */
ROTA_MUST_USE enum rota_err rota_metastore_read(struct rota_metastore *m, const char *name,
	void *ctx, enum rota_err (*take)(void *ctx, struct rota_span piece), struct rota_fail *why);

/* Stage a file: begin, add its bytes, end when it is whole. begin() drops the one before. */
ROTA_MUST_USE enum rota_err rota_metastore_begin(
	struct rota_metastore *m, const char *name, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_metastore_add(
	struct rota_metastore *m, struct rota_span piece, struct rota_fail *why);
void rota_metastore_end(struct rota_metastore *m, bool whole);

/* Make a copy of `name` durable: the staged one, or, when that is another file, the one here already.
 * ROTA_ERR_NOT_FOUND: neither is. */
ROTA_MUST_USE enum rota_err rota_metastore_keep(
	struct rota_metastore *m, const char *name, struct rota_fail *why);

/* The journal speaks of what was kept (`saved`): remove all other versions of these roles. Else forget what was kept:
 * the versions before still count. */
void rota_metastore_prune(struct rota_metastore *m, bool saved);

#endif
