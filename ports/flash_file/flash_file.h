/* SPDX-License-Identifier: Apache-2.0 */
/* ports/flash_file/flash_file.h -- rota/port/flash.h over a file, for small regions such as a journal.
 *
 * The file has the region's size and reads 0xFF where it is erased. The rules of flash are kept: a write
 * to what is not erased is refused, so that code which runs here runs on a chip. sync is fdatasync.
 *
 * A region that several programs use is locked around each use: flock on the file, with a deadline.
 */
#ifndef PORTS_FLASH_FILE_FLASH_FILE_H
#define PORTS_FLASH_FILE_FLASH_FILE_H

#include "rota/port/flash.h"

struct rota_flash_geometry {
	struct rota_flash_run run[ROTA_FLASH_RUNS_MAX]; /* those that are not used are 0 */
	uint32_t write_len;
};

struct rota_flash_file {
	struct rota_flash port; /* its ctx is this struct: do not move it while it is open */
	int fd; /* -1 when closed */
};

/* Create `name` in directory `dir_fd` with every byte erased, durable but for its directory entry: whole or not at all. One
 * process at a time makes a region. ROTA_ERR_BUSY: exists already. ROTA_ERR_LIMIT: the name is too long.
 * ROTA_ERR_FULL, ROTA_ERR_IO: errno says more; nothing is left. */
ROTA_MUST_USE enum rota_err rota_flash_file_create(
	int dir_fd, const char *name, const struct rota_flash_geometry *geometry);

/* ROTA_ERR_NOT_FOUND, ROTA_ERR_DENIED, ROTA_ERR_IO by errno; ROTA_ERR_CORRUPT: the file's size is not the
 * geometry's. Nothing to close after an error. */
ROTA_MUST_USE enum rota_err rota_flash_file_open(struct rota_flash_file *f, int dir_fd,
	const char *name, const struct rota_flash_geometry *geometry);
void rota_flash_file_close(struct rota_flash_file *f);

/* Exclusive among all openers. ROTA_ERR_TIMEOUT when another holds it for `deadline_ms`. */
ROTA_MUST_USE enum rota_err rota_flash_file_lock(struct rota_flash_file *f, uint32_t deadline_ms);
void rota_flash_file_unlock(struct rota_flash_file *f);

#endif
