/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/burnt.h -- the numbers that boot burns, in the boot state and in hardware (SPEC 10.5).
 *
 * Security counter, key floor and epoch stand in the boot state as a copy and as what they are burnt to, and where
 * the device has a counter for them there too. The hardware is never raised before the boot state says so. So where
 * it shows more than the boot state ever asked for, the flash is an older one, or another's: boot says so in its
 * record and touches that number no more, and the update cycle takes the device for restored (SPEC 9.6). Once that
 * is marked in the device journal the boot state follows the hardware.
 */
#ifndef ROTA_STORE_BURNT_H
#define ROTA_STORE_BURNT_H

#include "rota/port/counter.h"
#include "rota/store/bootstate.h"

struct rota_burnt {
	uint32_t copy, to;
};

/* Of ROTA_COUNTER_SECURITY, KEYS or EPOCH; no other id. */
struct rota_burnt rota_burnt_get(const struct rota_bootstate *state, enum rota_counter_id id);
void rota_burnt_put(
	struct rota_bootstate *state, enum rota_counter_id id, struct rota_burnt number);

/* A number as hardware shows it: a key floor raised by other means may have passed the ROM's keys. */
uint32_t rota_burnt_number(enum rota_counter_id id, uint32_t shown);

/* What the hardware shows; 0 where it keeps no such number, or cannot be read now. */
struct rota_burnt_shown {
	uint32_t now[ROTA_COUNTER_COUNT];
};

/* Read before the boot state is: then no burn that is under way looks like old flash. `counter` may be NULL. False: all
 * are 0, which no boot state is behind. */
bool rota_burnt_read(const struct rota_counter *counter, struct rota_burnt_shown *shown);

/* Numbers that the hardware is ahead of become what it shows, copy and `to`. True: there was one. */
bool rota_burnt_follow(struct rota_bootstate *state, const struct rota_burnt_shown *shown);

#endif
