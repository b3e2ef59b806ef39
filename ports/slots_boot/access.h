/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_boot/access.h -- rota/store/bootaccess.h over the files of layout.h. */
#ifndef PORTS_SLOTS_BOOT_ACCESS_H
#define PORTS_SLOTS_BOOT_ACCESS_H

#include "ports/slots_boot/layout.h"
#include "rota/store/bootaccess.h"

struct rota_slots_boot_access {
	struct rota_boot_access port; /* its ctx is this struct: do not move it */
	int device_fd;
	uint8_t count; /* components of the device */
	struct rota_layout_state held; /* between begin and end */
};

/* device_fd: the device's directory, which stays open. A boot state of another number of components than `count` is
 * ROTA_ERR_CORRUPT. */
void rota_slots_boot_access(struct rota_slots_boot_access *a, int device_fd, uint8_t count);

#endif
