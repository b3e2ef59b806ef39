/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_part/machine.h -- what the running kernel tells: which place it was started from, and which boot
 * this is.
 *
 * The loader's script puts `rota.slot=a` or `rota.slot=b` on the kernel's command line, for whichever place it
 * started, the last one on the line counting. The kernel draws an id for each boot.
 */
#ifndef PORTS_SLOTS_PART_MACHINE_H
#define PORTS_SLOTS_PART_MACHINE_H

#include "rota/base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define ROTA_MACHINE_CMDLINE "/proc/cmdline"
#define ROTA_MACHINE_BOOT_ID "/proc/sys/kernel/random/boot_id"

/* A UUID as text, with its NUL. */
#define ROTA_BOOT_ID_LEN 37

/* ROTA_ERR_NOT_FOUND: the line names no place, or the file is not there; ROTA_ERR_FORMAT: it names another
 * one than a or b; ROTA_ERR_IO. */
ROTA_MUST_USE enum rota_err rota_machine_place(const char *cmdline, uint8_t *place);

/* ROTA_ERR_FORMAT: not one; ROTA_ERR_NOT_FOUND, ROTA_ERR_IO. */
ROTA_MUST_USE enum rota_err rota_machine_boot(
	const char *boot_id, char out[static ROTA_BOOT_ID_LEN]);

#endif
