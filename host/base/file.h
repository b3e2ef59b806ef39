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

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define ROTA_FILE_PATH_MAX 1024

/* Flags to open what somebody named: a FIFO does not hold us up (that it is no file is found out next), a
 * terminal does not become ours. */
#define ROTA_FILE_OPEN (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/* A regular file to read from, and its length. The caller closes *fd; on failure nothing is open. */
ROTA_MUST_USE enum rota_err rota_file_open(
	const char *path, int *fd, uint64_t *len, struct rota_fail *why);

/* The whole file, at most `max` bytes (ROTA_ERR_LIMIT beyond). */
ROTA_MUST_USE enum rota_err rota_file_read(
	const char *path, size_t max, struct rota_bytes *out, struct rota_fail *why);

/* Replace or make `path`. */
ROTA_MUST_USE enum rota_err rota_file_write(
	const char *path, struct rota_span data, mode_t mode, struct rota_fail *why);

/* Append lines to `path` (made when absent) and sync: for line logs. They are all there afterwards or none of
 * them; half a line that a cut left at the end is taken away first. Never through a symbolic link. */
ROTA_MUST_USE enum rota_err rota_file_append(
	const char *path, struct rota_span data, mode_t mode, struct rota_fail *why);

/* mkdir -p; directories that exist keep their mode. */
ROTA_MUST_USE enum rota_err rota_file_mkdirs(const char *path, mode_t mode, struct rota_fail *why);

/* A new directory to build in, before it is renamed. A directory of ours of that name, which a run that was
 * cut off left, goes; anything else there is ROTA_ERR_DENIED: where others may write, they could have put it
 * there to own what is built. */
ROTA_MUST_USE enum rota_err rota_file_mkdir_anew(
	const char *path, mode_t mode, struct rota_fail *why);

/* Names made, changed and removed in directory `path` so far are durable. */
ROTA_MUST_USE enum rota_err rota_file_sync_dir(const char *path, struct rota_fail *why);

/* rename() and sync of the directory of `to`. */
ROTA_MUST_USE enum rota_err rota_file_rename(
	const char *from, const char *to, struct rota_fail *why);

/* Remove a file for good: sync of its directory. One that is not there is none to remove. */
ROTA_MUST_USE enum rota_err rota_file_remove(const char *path, struct rota_fail *why);

bool rota_file_exists(const char *path);

/* rm -rf, for what this run made itself; never follows a link. Errors are not told: it is for cleaning up. */
void rota_file_remove_tree(const char *path);

/* A file in the making. */
/* What the name of each draft begins with. */
#define ROTA_DRAFT_PREFIX ".draft."

struct rota_draft {
	int fd; /* -1 when none is open */
	bool synced; /* since it was last written to */
	char path[ROTA_FILE_PATH_MAX]; /* temporary name */
};

/* Make a temporary file in directory `dir`, held until it is committed or dropped. */
ROTA_MUST_USE enum rota_err rota_draft_open(
	struct rota_draft *d, const char *dir, mode_t mode, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_draft_write(
	struct rota_draft *d, struct rota_span data, struct rota_fail *why);
/* Begin to write back what was written, and do not wait: of many drafts that are synced one after the other the first
 * sync then takes most of the others along. */
void rota_draft_push(const struct rota_draft *d);
/* Wait until what was written is durable; placing it need not wait any more. */
ROTA_MUST_USE enum rota_err rota_draft_sync(struct rota_draft *d, struct rota_fail *why);
/* Sync and rename to `path`, which must lie in the same file system; ROTA_ERR_DENIED where a device, pipe or socket
 * stands there. On failure the draft is gone. */
ROTA_MUST_USE enum rota_err rota_draft_commit(
	struct rota_draft *d, const char *path, struct rota_fail *why);
/* The same without a sync of the directory, for files that replace each other many times in a row: after a power cut
 * one of them is there, whole. The caller syncs the directory after the last. */
ROTA_MUST_USE enum rota_err rota_draft_place(
	struct rota_draft *d, const char *path, struct rota_fail *why);
/* What was written is made durable by a rota_sync_all() that began before and ends before anything rests on the file: until then a
 * power cut may leave a file without its bytes. */
void rota_draft_sync_later(struct rota_draft *d);
/* Give up: remove what stands there. Safe after commit. */
void rota_draft_drop(struct rota_draft *d);

/* All that is written into a file system between two moments, made durable at once: for many small files, each sync of which would wait
 * for the disk, and let others wait. What else is written there at that time goes along. */
struct rota_sync_all {
	int fd;
};
/* `dir`: any folder of that file system. */
ROTA_MUST_USE enum rota_err rota_sync_all_begin(
	struct rota_sync_all *s, const char *dir, struct rota_fail *why);
/* ROTA_ERR_IO, ROTA_ERR_FULL: something that was written since the beginning is not on the disk. Ends it in any case. */
ROTA_MUST_USE enum rota_err rota_sync_all_end(struct rota_sync_all *s, struct rota_fail *why);
void rota_sync_all_drop(struct rota_sync_all *s);

/* Remove the drafts in `dir` that nobody holds: those of runs that were killed. Errors are not told. */
void rota_draft_sweep(const char *dir);

/* Take the lock file `path`, waiting at most `wait_s` seconds; ROTA_ERR_BUSY when somebody else holds it.
 * *fd holds it until closed. */
ROTA_MUST_USE enum rota_err rota_lock_take(
	const char *path, unsigned wait_s, int *fd, struct rota_fail *why);

#endif
