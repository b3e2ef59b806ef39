/* SPDX-License-Identifier: Apache-2.0 */
/* ports/flash_sim/fuses.h -- one-time-programmable bits: 0 until burnt, 1 for ever.
 *
 * Each bit that is burnt is an operation of the supply. A torn one reads 0 or 1, drawn anew at each read,
 * until it is burnt again. A weak one reads 0 and may be burnt again. The struct is all there is: a copy of
 * `burnt` and `torn` is a snapshot.
 */
#ifndef PORTS_FLASH_SIM_FUSES_H
#define PORTS_FLASH_SIM_FUSES_H

#include "ports/flash_sim/supply.h"

#define ROTA_SIM_FUSES 256 /* bits */

struct rota_sim_fuses {
	struct rota_sim_supply *supply; /* outlives them */
	uint8_t burnt[ROTA_SIM_FUSES / 8];
	uint8_t torn[ROTA_SIM_FUSES / 8];
};

/* None is burnt. */
void rota_sim_fuses_init(struct rota_sim_fuses *f, struct rota_sim_supply *supply);

/* ROTA_ERR_IO without power, ROTA_ERR_ARGUMENT: no such fuse. */
ROTA_MUST_USE enum rota_err rota_sim_fuses_read(
	const struct rota_sim_fuses *f, uint32_t i, bool *burnt);

/* Burn fuse `i`, also one that is burnt. The same errors. */
ROTA_MUST_USE enum rota_err rota_sim_fuses_burn(struct rota_sim_fuses *f, uint32_t i);

#endif
