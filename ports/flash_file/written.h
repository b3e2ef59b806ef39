/* SPDX-License-Identifier: Apache-2.0 */
/* ports/flash_file/written.h -- how far an image is durable, in a small file beside it.
 *
 * Rewritten in place, with a CRC, so that one that a cut tore counts for nothing. What it says is a hint: the
 * reader goes through all of these bytes again.
 */
#ifndef PORTS_FLASH_FILE_WRITTEN_H
#define PORTS_FLASH_FILE_WRITTEN_H

#include "rota/base/err.h"
#include "rota/port/crypto.h"

struct rota_written {
	uint8_t digest[ROTA_SHA256_LEN]; /* of the image, */
	uint64_t length; /* its length, */
	uint8_t place; /* and where it is written to */
	uint64_t durable; /* bytes from its start */
};

/* Bytes that are durable of just this image; `durable` of the argument is passed over. 0: none, or another
 * image, or the file is damaged. */
uint64_t rota_written_load(int dir_fd, const char *name, const struct rota_written *of);

/* Durable, but for the directory entry of a file that is new. ROTA_ERR_FULL, ROTA_ERR_DENIED, ROTA_ERR_IO. */
ROTA_MUST_USE enum rota_err rota_written_save(
	int dir_fd, const char *name, const struct rota_written *p);

/* Nothing is durable any more: before the image's first byte is overwritten. Not synced: what comes back after a
 * cut is the hint that it was. */
ROTA_MUST_USE enum rota_err rota_written_forget(int dir_fd, const char *name);

#endif
