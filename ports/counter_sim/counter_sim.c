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

/* Whether a step that met `fault` was taken. */
static bool taken(struct rota_sim_supply *supply, enum rota_sim_fault fault)
{
	switch (fault) {
	case ROTA_SIM_CUT_TORN:
	case ROTA_SIM_FAIL:
		return (rota_sim_supply_random(supply) & 1) != 0;
	case ROTA_SIM_CUT_BEFORE:
	case ROTA_SIM_CUT_WEAK:
	case ROTA_SIM_SILENT:
		return false;
	case ROTA_SIM_NONE:
	case ROTA_SIM_CUT_DONE:
	case ROTA_SIM_CUT_UNSYNCED:
	case ROTA_SIM_FAULT_COUNT:
	default:
		return true;
	}
}

static enum rota_err advance(void *ctx, enum rota_counter_id id, uint32_t to)
{
	struct rota_counter_sim *sim = ctx;
	enum rota_sim_fault fault;

	ROTA_TRY(usable(sim, id));
	for (uint32_t left = sim->value[id] < to ? to - sim->value[id] : 0; left > 0; left--) {
		fault = rota_sim_supply_step(sim->supply);
		if (taken(sim->supply, fault)) {
			sim->value[id]++;
			sim->steps++;
		}
		if (fault != ROTA_SIM_NONE && fault != ROTA_SIM_SILENT)
			return ROTA_ERR_IO;
	}
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
