/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_boot/booted.h -- DEVICE/run/booted: what rota-boot says of the images that it started.
 *
 * Text of key=value lines in a fixed order, replaced as a whole at each boot:
 *
 *     slot=1
 *     kind=trial
 *     digest=<64 hex digits>
 *     version=1.2.0
 *     boot=7
 *
 * Of a set of several these speak of component 0, which is executed, and further lines of the others:
 *
 *     trial=2                         bits of the components that are on trial
 *     slot.1=0
 *     digest.1=<64 hex digits>
 *     version.1=1.1.0
 *
 * kind is confirmed, trial, reverted, fallback, or unknown: a fallback to an image that the boot state does not
 * know (SPEC 10.2). `boot` counts the boots since the power came on. The file describes a running machine and is not synced:
 * after a power cut there is nothing to describe.
 */
#ifndef PORTS_SLOTS_BOOT_BOOTED_H
#define PORTS_SLOTS_BOOT_BOOTED_H

#include "rota/store/slots.h"

/* A whole file is at most 150 bytes and 120 for each further component; what is longer is not one. */
#define ROTA_BOOTED_FILE_MAX 1024

struct rota_booted_file {
	struct rota_running running;
	uint64_t version[ROTA_SET_MAX]; /* by component (SPEC 1.3) */
	uint32_t boot; /* from 1 */
};

/* "confirmed", "trial", "reverted" or "fallback". */
const char *rota_boot_kind_name(enum rota_boot_kind kind);
/* The same, or "unknown". */
const char *rota_booted_kind_name(const struct rota_running *running);

/* Write under a temporary name, then rename. ROTA_ERR_FULL, ROTA_ERR_IO: errno says more. */
ROTA_MUST_USE enum rota_err rota_booted_write(int device_fd, const struct rota_booted_file *booted);

/* ROTA_ERR_NOT_FOUND: nothing runs. ROTA_ERR_CORRUPT: not such a file. ROTA_ERR_IO. */
ROTA_MUST_USE enum rota_err rota_booted_read(int device_fd, struct rota_booted_file *out);

/* Whether a rota-boot supervises the device: then it boots again whatever ends. */
bool rota_booted_supervised(int device_fd);

/* The power is off. */
void rota_booted_remove(int device_fd);

#endif
