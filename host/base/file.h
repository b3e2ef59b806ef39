/* SPDX-License-Identifier: Apache-2.0 */
/* host/base/file.h -- files that are whole or not there.
 *
 * Every write goes to a temporary name in the target's own directory, is fsynced, renamed, and the directory
 * fsynced: after a power cut the old file or the new one is there. Errors name the path.
 */
#ifndef HOST_BASE_FILE_H
#define HOST_BASE_FILE_H

#include "host/base/bytes.h"
#include "host/base/fail.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define ROTA_FILE_PATH_MAX 1024

/* The whole file, at most `max` bytes (ROTA_ERR_LIMIT beyond). */
ROTA_MUST_USE enum rota_err rota_file_read(
	const char *path, size_t max, struct rota_bytes *out, struct rota_fail *why);

/* Replace or make `path`. */
ROTA_MUST_USE enum rota_err rota_file_write(
	const char *path, struct rota_span data, mode_t mode, struct rota_fail *why);

/* Append to `path` (made when absent) and sync: for line logs. */
ROTA_MUST_USE enum rota_err rota_file_append(
	const char *path, struct rota_span data, mode_t mode, struct rota_fail *why);

/* mkdir -p; directories that exist keep their mode. */
ROTA_MUST_USE enum rota_err rota_file_mkdirs(const char *path, mode_t mode, struct rota_fail *why);

bool rota_file_exists(const char *path);

/* rm -rf, for what this run made itself; never follows a link. Errors are not told: it is for cleaning up. */
void rota_file_remove_tree(const char *path);

/* A file in the making. */
struct rota_draft {
	int fd; /* -1 when none is open */
	char path[ROTA_FILE_PATH_MAX]; /* temporary name */
};

/* Make a temporary file in directory `dir`. */
ROTA_MUST_USE enum rota_err rota_draft_open(
	struct rota_draft *d, const char *dir, mode_t mode, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_draft_write(
	struct rota_draft *d, struct rota_span data, struct rota_fail *why);
/* Sync and rename to `path`, which must lie in the same file system. On failure the draft is gone. */
ROTA_MUST_USE enum rota_err rota_draft_commit(
	struct rota_draft *d, const char *path, struct rota_fail *why);
/* Give up: remove what stands there. Safe after commit. */
void rota_draft_drop(struct rota_draft *d);

/* Take the lock file `path`, waiting at most `wait_s` seconds; ROTA_ERR_BUSY when somebody else holds it.
 * *fd holds it until closed. */
ROTA_MUST_USE enum rota_err rota_lock_take(
	const char *path, unsigned wait_s, int *fd, struct rota_fail *why);

#endif
