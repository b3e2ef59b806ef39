/* SPDX-License-Identifier: Apache-2.0 */
/* host/tuf/metadir.h -- the trusted metadata of a plain TUF client, as files under plain names.
 *
 *     DIR/root.json  DIR/timestamp.json  DIR/snapshot.json  DIR/targets.json  DIR/ROLE.json
 *
 * A delegated role's name is percent-encoded. Only verified files are put here, each as it was fetched, byte
 * for byte; there is no journal beside them, so the session verifies them anew. Each is replaced as a whole
 * (temporary name, fsync, rename, fsync of the directory), and one client at a time holds the directory.
 */
#ifndef HOST_TUF_METADIR_H
#define HOST_TUF_METADIR_H

#include "host/base/file.h"
#include "rota/base/span.h"

struct rota_metadir {
	char dir[ROTA_FILE_PATH_MAX];
	int lock; /* the directory itself, -1 when it is not open */
};

/* Make `dir` where it is not, and hold it; ROTA_ERR_BUSY when another client does for 30 s. What a killed client
 * left half-written is removed. */
ROTA_MUST_USE enum rota_err rota_metadir_open(
	struct rota_metadir *m, const char *dir, struct rota_fail *why);
void rota_metadir_close(struct rota_metadir *m);

/* Where the role's file lies. ROTA_ERR_LIMIT: its name, or the whole path, is too long. */
ROTA_MUST_USE enum rota_err rota_metadir_path(const struct rota_metadir *m, struct rota_span role,
	char path[static ROTA_FILE_PATH_MAX], struct rota_fail *why);

/* Make durable what was placed. */
ROTA_MUST_USE enum rota_err rota_metadir_sync(const struct rota_metadir *m, struct rota_fail *why);

/* Timestamp and snapshot are trusted no longer (TUF 5.3.11). */
ROTA_MUST_USE enum rota_err rota_metadir_forget(
	const struct rota_metadir *m, struct rota_fail *why);

#endif
