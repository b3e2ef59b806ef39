/* SPDX-License-Identifier: Apache-2.0 */
/* ports/sel_uboot/places.h -- fw_env.config: where a U-Boot environment is kept.
 *
 * The file that fw_printenv and fw_setenv read, usually /etc/fw_env.config. One line for a single
 * environment, two for a redundant one:
 *
 *     # device        offset   size     [further columns, of raw flash, are passed over]
 *     /dev/mmcblk0    0x80000  0x20000
 *     /dev/mmcblk0    0xa0000  0x20000
 */
#ifndef PORTS_SEL_UBOOT_PLACES_H
#define PORTS_SEL_UBOOT_PLACES_H

#include "rota/base/err.h"

#include <stdint.h>

#define ROTA_UBOOT_PLACES_MAX 2
#define ROTA_UBOOT_DEVICE_MAX 256 /* bytes of a device's path with its NUL */

struct rota_uboot_place {
	char device[ROTA_UBOOT_DEVICE_MAX];
	uint64_t offset;
	uint32_t size; /* ROTA_UBOOT_ENV_MIN to ROTA_UBOOT_ENV_MAX */
};

struct rota_uboot_places {
	struct rota_uboot_place place[ROTA_UBOOT_PLACES_MAX];
	uint8_t count; /* 1 or 2 */
};

/* ROTA_ERR_NOT_FOUND, ROTA_ERR_DENIED, ROTA_ERR_IO: the file. ROTA_ERR_FORMAT: no line, more than two, one
 * that is none, copies of unequal size or that lie over each other. */
ROTA_MUST_USE enum rota_err rota_uboot_places_read(const char *file, struct rota_uboot_places *out);

#endif
