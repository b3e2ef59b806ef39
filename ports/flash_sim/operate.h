/* SPDX-License-Identifier: Apache-2.0 */
/* ports/flash_sim/operate.h -- within the port: what the operations need of each other. */
#ifndef PORTS_FLASH_SIM_OPERATE_H
#define PORTS_FLASH_SIM_OPERATE_H

#include "ports/flash_sim/flash_sim.h"

/* The sector that holds `off`, which lies in the chip. */
struct rota_flash_sim_sector *rota_flash_sim_sector_of(
	const struct rota_flash_sim *sim, uint32_t off);

/* Bits of `b` where `mask` has 1, of `a` elsewhere. */
static inline uint8_t rota_flash_sim_choose(uint8_t a, uint8_t b, uint8_t mask)
{
	return (uint8_t)((a & ~mask) | (b & mask));
}

static inline uint8_t rota_flash_sim_mask(struct rota_flash_sim *sim)
{
	return (uint8_t)(rota_sim_supply_random(sim->supply) >> 32);
}

/* Take what a cut since the last call has cost of what was not synced. */
ROTA_MUST_USE enum rota_err rota_flash_sim_settle(struct rota_flash_sim *sim);

#endif
