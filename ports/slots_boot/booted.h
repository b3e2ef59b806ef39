/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_boot/booted.h -- DEVICE/run/booted: what rota-boot says of the image that it started.
 *
 * Text of key=value lines in a fixed order, replaced as a whole at each boot:
 *
 *     slot=1
 *     kind=trial
 *     digest=<64 hex digits>
 *     version=1.2.0
 *     boot=7
 *
 * kind is confirmed, trial, reverted, fallback, or unknown: a fallback to an image that the boot state does not
 * know (SPEC 10.2). `boot` counts the boots since the power came on. The file describes a running machine and is not synced:
 * after a power cut there is nothing to describe.
 */
#ifndef PORTS_SLOTS_BOOT_BOOTED_H
#define PORTS_SLOTS_BOOT_BOOTED_H

#include "rota/port/slots.h"

/* A whole file is at most 150 bytes; what is longer is not one. */
#define ROTA_BOOTED_FILE_MAX 256

struct rota_booted_file {
	struct rota_booted booted;
	uint64_t version; /* SPEC 1.3 */
	uint32_t boot; /* from 1 */
};

/* "confirmed", "trial", "reverted" or "fallback". */
const char *rota_boot_kind_name(enum rota_boot_kind kind);
/* The same, or "unknown". */
const char *rota_booted_kind_name(const struct rota_booted *booted);

/* Write under a temporary name, then rename. ROTA_ERR_FULL, ROTA_ERR_IO: errno says more. */
ROTA_MUST_USE enum rota_err rota_booted_write(int device_fd, const struct rota_booted_file *booted);

/* ROTA_ERR_NOT_FOUND: nothing runs. ROTA_ERR_CORRUPT: not such a file. ROTA_ERR_IO. */
ROTA_MUST_USE enum rota_err rota_booted_read(int device_fd, struct rota_booted_file *out);

/* The power is off. */
void rota_booted_remove(int device_fd);

#endif
