/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_boot/orders.h -- the region of recovery orders (rota/store/orderplace.h) as a file. */
#ifndef PORTS_SLOTS_BOOT_ORDERS_H
#define PORTS_SLOTS_BOOT_ORDERS_H

#include "ports/flash_file/flash_file.h"

/* A place holds the longest order, a record of 4 KiB and their head. */
extern const struct rota_flash_geometry rota_layout_orders;

/* Open it below the device's directory. A device that was made before there were orders has none: it is made, erased.
 * Errors are the flash file's. Who writes it holds the boot journal's lock meanwhile. */
ROTA_MUST_USE enum rota_err rota_orders_open(struct rota_flash_file *f, int device_fd);

#endif
