/* SPDX-License-Identifier: Apache-2.0 */
/* host/sim/parts.h -- within the simulator: what the files of a device have of each other. */
#ifndef HOST_SIM_PARTS_H
#define HOST_SIM_PARTS_H

#include "host/sim/device.h"
#include "rota/store/bootstate.h"

/* ---- device.c ---- */

/* As it came from its makers: nothing on the chips, no wear, counters at 0, off. */
void sim_blank(struct sim_device *d);

/* Whole, from the beginning of a blank place. */
ROTA_MUST_USE enum rota_err sim_put_image(struct sim_place *p, struct rota_span image);

/* ---- boot.c ---- */

/* The boot stage. ROTA_OK: an image was started. ROTA_ERR_DENIED: none may run. */
ROTA_MUST_USE enum rota_err sim_boot(struct sim_device *d);

/* ---- cycle.c ---- */

/* One update cycle, to IDLE, REBOOT or STOPPED. */
enum rota_update_want_kind sim_cycle(struct sim_device *d);

/* ---- slots.c ---- */

void sim_slots_init(struct sim_device *d);

#endif
