/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/counter_sim/counter_sim.h"

static enum rota_err usable(const struct rota_counter_sim *sim, enum rota_counter_id id)
{
	if ((unsigned)id >= ROTA_COUNTER_COUNT)
		return ROTA_ERR_ARGUMENT;
	if (sim->supply->off || (sim->away & (1u << id)) != 0)
		return ROTA_ERR_IO;
	return (sim->gone & (1u << id)) != 0 ? ROTA_ERR_CORRUPT : ROTA_OK;
}

static enum rota_err read_one(void *ctx, enum rota_counter_id id, uint32_t *value)
{
	const struct rota_counter_sim *sim = ctx;

	ROTA_TRY(usable(sim, id));
	*value = sim->value[id];
	return ROTA_OK;
}

/* One step of `id`. */
static enum rota_err step(struct rota_counter_sim *sim, enum rota_counter_id id)
{
	struct rota_sim_op op = { .kind = ROTA_SIM_COUNT, .part = sim, .at = id };
	enum rota_sim_fault fault = rota_sim_supply_step(sim->supply, &op);
	bool taken = rota_sim_supply_done(fault);

	if (rota_sim_supply_torn(fault))
		taken = (rota_sim_supply_random(sim->supply) & 1) != 0;
	if (taken) {
		sim->value[id]++;
		sim->steps++;
	}
	return rota_sim_supply_told(fault);
}

static enum rota_err advance(void *ctx, enum rota_counter_id id, uint32_t to)
{
	struct rota_counter_sim *sim = ctx;

	ROTA_TRY(usable(sim, id));
	for (uint32_t left = sim->value[id] < to ? to - sim->value[id] : 0; left > 0; left--)
		ROTA_TRY(step(sim, id));
	return ROTA_OK;
}

void rota_counter_sim_init(struct rota_counter_sim *sim, struct rota_sim_supply *supply)
{
	*sim = (struct rota_counter_sim){ .supply = supply };
}

struct rota_counter rota_counter_sim_port(struct rota_counter_sim *sim, uint8_t have)
{
	return (struct rota_counter){
		.ctx = sim,
		.have = have,
		.read = read_one,
		.advance = advance,
		.last = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX },
	};
}
