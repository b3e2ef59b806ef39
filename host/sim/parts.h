/* SPDX-License-Identifier: Apache-2.0 */
/* host/sim/parts.h -- within the simulator: what the files of a device have of each other. */
#ifndef HOST_SIM_PARTS_H
#define HOST_SIM_PARTS_H

#include "host/sim/device.h"
#include "rota/store/bootstate.h"

/* ---- device.c ---- */

/* As it came from its makers: nothing on the chips, no wear, counters at 0, off. */
void sim_blank(struct sim_device *d);

/* The world is told of a call that is about to be made. */
void sim_tell(struct sim_device *d, const struct sim_call *call);

/* Whole, from the beginning of a blank place. */
ROTA_MUST_USE enum rota_err sim_put_image(struct sim_place *p, struct rota_span image);

/* ---- boot.c ---- */

/* The boot stage. ROTA_OK: an image was started. ROTA_ERR_DENIED: none may run. */
ROTA_MUST_USE enum rota_err sim_boot(struct sim_device *d);

/* ---- cycle.c ---- */

/* One update cycle, to IDLE, REBOOT or STOPPED. */
enum rota_update_want_kind sim_cycle(struct sim_device *d);

/* ---- keys.c ---- */

/* Chips of this device. */
static inline uint8_t sim_chips(const struct sim_device *d)
{
	return (uint8_t)(d->fleet->board->chips + (d->fleet->keys != NULL));
}

/* Where a place lies: those of keys on the last chip. len 0: this device has it not. */
struct sim_area sim_area(const struct sim_device *d, enum sim_place_name place);

/* In RAM, as at power-up; nothing where the fleet has no data keys. */
void sim_keys_init(struct sim_device *d);

/* As they leave the factory: identity, first keys, the factory secret. */
ROTA_MUST_USE enum rota_err sim_keys_factory(struct sim_device *d);

/* For a cycle; the journals are opened. */
void sim_keys_config(struct sim_device *d, struct rota_update_keys *out);

/* Chance that repeats; ctx is the device. */
enum rota_err sim_random(void *ctx, struct rota_buf room);

/* ---- counters.c ---- */

void sim_counters_init(struct sim_device *d);

/* Without the world being told. */
ROTA_MUST_USE enum rota_err sim_counter_advance(
	struct sim_device *d, enum rota_counter_id id, uint32_t to);

/* ---- watchdog.c ---- */

/* Whose turn it is at a boot, before an image is chosen; *state and d->boot follow. */
void sim_turn(struct sim_device *d, struct rota_bootstate *state);

/* What runs has used its time up: it goes on, or the device is reset and off. */
void sim_over(struct sim_device *d);

/* After a cycle of the updater alone: its time is over. False: it was no such cycle. */
bool sim_alone_ends(struct sim_device *d);

/* What is carried to the device, if anything, is taken or refused: d->ticket. */
void sim_ticket(struct sim_device *d);

/* ---- slots.c ---- */

void sim_slots_init(struct sim_device *d);

#endif
