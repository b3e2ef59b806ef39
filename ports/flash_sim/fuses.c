/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/flash_sim/fuses.h"

void rota_sim_fuses_init(struct rota_sim_fuses *f, struct rota_sim_supply *supply)
{
	*f = (struct rota_sim_fuses){ .supply = supply };
}

enum rota_err rota_sim_fuses_read(const struct rota_sim_fuses *f, uint32_t i, bool *burnt)
{
	uint8_t mask = (uint8_t)(1U << i % 8);

	if (f->supply->off)
		return ROTA_ERR_IO;
	if (i >= ROTA_SIM_FUSES)
		return ROTA_ERR_ARGUMENT;
	*burnt = (f->burnt[i / 8] & mask) != 0;
	if (!*burnt && (f->torn[i / 8] & mask) != 0)
		*burnt = (rota_sim_supply_random(f->supply) & 1) != 0;
	return ROTA_OK;
}

enum rota_err rota_sim_fuses_burn(struct rota_sim_fuses *f, uint32_t i)
{
	struct rota_sim_op op = { .kind = ROTA_SIM_FUSE, .part = f, .at = i };
	uint8_t mask = (uint8_t)(1U << i % 8);
	enum rota_sim_fault fault;

	if (f->supply->off)
		return ROTA_ERR_IO;
	if (i >= ROTA_SIM_FUSES)
		return ROTA_ERR_ARGUMENT;
	fault = rota_sim_supply_step(f->supply, &op);
	if (rota_sim_supply_torn(fault))
		f->torn[i / 8] |= mask;
	else if (rota_sim_supply_done(fault))
		f->burnt[i / 8] |= mask;
	return rota_sim_supply_told(fault);
}
