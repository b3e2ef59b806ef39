/* SPDX-License-Identifier: Apache-2.0 */
/* ports/posix/fd.h -- bytes at a place of an open file or block device: all of them, or an error.
 *
 * A call that a signal broke off, or that moved less than it was asked to, goes on where it stopped. Offsets and
 * lengths are bytes; the file's own position is neither used nor moved. After an error errno is that of the call.
 */
#ifndef PORTS_POSIX_FD_H
#define PORTS_POSIX_FD_H

#include "rota/base/err.h"
#include "rota/base/span.h"

#include <stdint.h>

/* What a failed system call on a file means, by its errno: ROTA_ERR_NOT_FOUND, ROTA_ERR_DENIED (permissions, a
 * read-only file system), ROTA_ERR_BUSY (exists), ROTA_ERR_FULL (disk, quota, size), else ROTA_ERR_IO. */
enum rota_err rota_fd_errno(int number);

/* Fill `to` with what stands from `off` on. ROTA_ERR_IO, also where the file ends before. */
ROTA_MUST_USE enum rota_err rota_fd_read(int fd, uint64_t off, struct rota_buf to);

/* The same, but that a file which ends before is no error: *got bytes were there. */
ROTA_MUST_USE enum rota_err rota_fd_read_some(
	int fd, uint64_t off, struct rota_buf to, size_t *got);

/* Not durable yet. Errors by rota_fd_errno(); what was written of `from` is not known then. */
ROTA_MUST_USE enum rota_err rota_fd_write(int fd, uint64_t off, struct rota_span from);

/* Of a long file that is written from its beginning to its end, and is at `end`: begin to write back what came since
 * *pushed, each time that it is 8 MiB, and note so in *pushed. Then the disk is busy while the next bytes arrive, and
 * the sync, which alone makes them durable, has little left to wait for. */
void rota_fd_push(int fd, uint64_t *pushed, uint64_t end);

#endif
