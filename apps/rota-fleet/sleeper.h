/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-fleet/sleeper.h -- a chip that nobody looks at, in little memory.
 *
 * Of each page that is not blank the units that were programmed, and which they are; where something was torn or weak, all of it. Wear
 * and half erases too: the chip is the same when it wakes, bit for bit. Only what a cache holds is on the flash by then.
 */
#ifndef APPS_ROTA_FLEET_SLEEPER_H
#define APPS_ROTA_FLEET_SLEEPER_H

#include "ports/flash_sim/flash_sim.h"

/* Starts as { 0 }. */
struct fleet_sleeper {
	uint8_t *p;
	uint32_t len;
};

/* Room to pack a chip of so many bytes and sectors in, whatever is on it. */
#define FLEET_SLEEPER_ROOM(bytes, sectors)                                                         \
	(8 * (size_t)(sectors) + (size_t)(bytes) / ROTA_SIM_PAGE_LEN * (1 + 2 * ROTA_SIM_PAGE_LEN))

/* Instead of what it held. The chip has power. ROTA_ERR_FULL: no memory; then it holds what it held. ROTA_ERR_IO: no power. */
ROTA_MUST_USE enum rota_err fleet_sleeper_pack(
	struct fleet_sleeper *s, struct rota_flash_sim *chip, struct rota_buf room);

/* Onto a blank chip of the same description. ROTA_ERR_FULL: no memory. */
ROTA_MUST_USE enum rota_err fleet_sleeper_unpack(
	const struct fleet_sleeper *s, struct rota_flash_sim *chip);

void fleet_sleeper_free(struct fleet_sleeper *s);

#endif
