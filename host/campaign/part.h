/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/part.h -- a file that grows at several places at once, over more than one run, until it is whole.
 *
 * Not host/base/file.h's draft: that one is lost with the run that makes it, and a file of a million bundles is too
 * much to lose. A part keeps its name, PATH with `.part` behind, from run to run; what of it counts its maker notes
 * elsewhere (resume.h). Mode 0600. Any thread may read and write, at any offset.
 */
#ifndef HOST_CAMPAIGN_PART_H
#define HOST_CAMPAIGN_PART_H

#include "host/base/fail.h"
#include "host/base/file.h"

#include <stdint.h>

struct rota_part {
	int fd; /* -1: not open */
	char path[ROTA_FILE_PATH_MAX]; /* where it goes when it is whole; it lies at PATH.part */
};

/* Open what an earlier run left, or make it, empty; `anew`: empty in any case. What was placed already, by a run that was
 * cut off among several files, is taken back. Never through a symbolic link. */
ROTA_MUST_USE enum rota_err rota_part_open(
	struct rota_part *p, const char *path, bool anew, struct rota_fail *why);

/* Have the file system set aside room for all of it, so that a disk that is too small is told now and not in an hour.
 * ROTA_ERR_FULL. Where it cannot do so this does nothing. */
ROTA_MUST_USE enum rota_err rota_part_reserve(
	const struct rota_part *p, uint64_t len, struct rota_fail *why);

/* All of `to`, or ROTA_ERR_IO. */
ROTA_MUST_USE enum rota_err rota_part_read(
	const struct rota_part *p, uint64_t off, struct rota_buf to, struct rota_fail *why);

/* Not durable before rota_part_sync(). */
ROTA_MUST_USE enum rota_err rota_part_write(
	const struct rota_part *p, uint64_t off, struct rota_span from, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_part_sync(const struct rota_part *p, struct rota_fail *why);

/* These bytes may begin to go to the disk, so that who syncs waits for less. A hint: nothing is durable by it, and it cannot fail. */
void rota_part_flow(const struct rota_part *p, uint64_t off, uint64_t len);

/* It is whole: sync, rename, sync of the directory. */
ROTA_MUST_USE enum rota_err rota_part_place(struct rota_part *p, struct rota_fail *why);

/* Leaves what is there. Safe when none is open, and after it was placed. */
void rota_part_close(struct rota_part *p);

/* pread() that goes on where it stopped: exactly to.len bytes of a file that is called `path` in the sentence. */
ROTA_MUST_USE enum rota_err rota_part_pread(
	int fd, uint64_t off, struct rota_buf to, const char *path, struct rota_fail *why);

#endif
