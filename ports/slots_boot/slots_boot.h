/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_boot/slots_boot.h -- rota/port/slots.h for a device that rota-boot boots.
 *
 * Works on the files of layout.h. Each call that needs the boot state opens, locks and judges the
 * journal anew, so agent and boot stage may stop anywhere. Writing goes straight to the slot's file, with
 * write-back started early; rules beyond the port's:
 *
 *  - which slot is inactive follows from run/booted, or from the boot state while nothing runs;
 *  - write at 0 forgets a trial that was asked for, and makes a fallback image the confirmed one before it
 *    touches the other slot (SPEC 10.4);
 *  - after a restart the first write may be at any offset: the caller knows what it wrote and re-reads it.
 */
#ifndef PORTS_SLOTS_BOOT_SLOTS_BOOT_H
#define PORTS_SLOTS_BOOT_SLOTS_BOOT_H

#include "rota/port/slots.h"

struct rota_slots_boot {
	struct rota_slots port; /* its ctx is this struct: do not move it while it is open */
	int device_fd;
	int slot_fd; /* of the inactive slot, once it was written or read; -1 */
	uint8_t slot; /* its number */
	bool ready; /* it may be written: no trial is in the way */
	uint64_t capacity;
	uint64_t end; /* of the last write */
	uint64_t flushed; /* write-back was started up to here */
};

/* Open the device's directory. ROTA_ERR_NOT_FOUND, ROTA_ERR_DENIED, ROTA_ERR_IO; the boot state is looked
 * at by the first call that needs it. */
ROTA_MUST_USE enum rota_err rota_slots_boot_open(struct rota_slots_boot *s, const char *device_dir);
void rota_slots_boot_close(struct rota_slots_boot *s);

#endif
