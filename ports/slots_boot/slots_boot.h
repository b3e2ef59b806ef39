/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_boot/slots_boot.h -- rota/port/slots.h for a device that rota-boot boots: the rules of
 * rota/store/slots.h over the files of layout.h.
 *
 * Each call that needs the boot state opens, locks and judges the journal anew. What runs follows from run/booted;
 * while that is not there nothing runs.
 */
#ifndef PORTS_SLOTS_BOOT_SLOTS_BOOT_H
#define PORTS_SLOTS_BOOT_SLOTS_BOOT_H

#include "ports/slots_boot/access.h"
#include "ports/slots_boot/filearea.h"

struct rota_slots_boot { /* do not move it while it is open */
	struct rota_components components;
	struct rota_set_member
		member[ROTA_SET_MAX]; /* by component: their ports are what the update cycle gets */
	struct rota_set set;
	struct rota_slots_boot_access access; /* to the boot state, for others too */
	struct rota_running_source running;
	struct rota_filearea area[ROTA_SET_MAX];
	int device_fd;
};

/* Open the device's directory. ROTA_ERR_NOT_FOUND, ROTA_ERR_DENIED, ROTA_ERR_IO, and those of rota_components_read();
 * the boot state is looked at by the first call that needs it: one of another number of components is
 * ROTA_ERR_CORRUPT. */
ROTA_MUST_USE enum rota_err rota_slots_boot_open(struct rota_slots_boot *s, const char *device_dir);
void rota_slots_boot_close(struct rota_slots_boot *s);

#endif
