/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/flash_sim/supply.h"

#include <inttypes.h>
#include <stdio.h>

static void reseed(struct rota_sim_supply *s, uint64_t seed)
{
	s->seed = seed;
	s->random = seed;
}

void rota_sim_supply_init(struct rota_sim_supply *s, uint64_t seed)
{
	*s = (struct rota_sim_supply){ 0 };
	reseed(s, seed);
}

void rota_sim_supply_plan(
	struct rota_sim_supply *s, uint64_t at, enum rota_sim_fault fault, uint64_t seed)
{
	s->ops = 0;
	s->at = at;
	s->fault = fault;
	reseed(s, seed);
}

void rota_sim_supply_on(struct rota_sim_supply *s)
{
	s->off = false;
}

bool rota_sim_supply_met(const struct rota_sim_supply *s)
{
	return s->at > 0 && s->ops >= s->at;
}

static bool is_cut(enum rota_sim_fault fault)
{
	return fault >= ROTA_SIM_CUT_BEFORE && fault <= ROTA_SIM_CUT_UNSYNCED;
}

enum rota_sim_fault rota_sim_supply_step(struct rota_sim_supply *s, const struct rota_sim_op *op)
{
	s->ops++;
	if (s->watch != NULL)
		s->watch(s->watch_ctx, s->ops, op);
	if (s->ops != s->at)
		return ROTA_SIM_NONE;
	if (!is_cut(s->fault))
		return s->fault;
	s->off = true;
	s->cuts++;
	s->last_cut = s->fault;
	return s->fault;
}

enum rota_err rota_sim_supply_told(enum rota_sim_fault fault)
{
	return fault == ROTA_SIM_NONE || fault == ROTA_SIM_SILENT ? ROTA_OK : ROTA_ERR_IO;
}

bool rota_sim_supply_done(enum rota_sim_fault fault)
{
	return fault == ROTA_SIM_NONE || fault == ROTA_SIM_CUT_DONE ||
		fault == ROTA_SIM_CUT_UNSYNCED;
}

bool rota_sim_supply_torn(enum rota_sim_fault fault)
{
	return fault == ROTA_SIM_CUT_TORN || fault == ROTA_SIM_FAIL;
}

/* splitmix64: any seed will do, also 0 and neighbours. */
uint64_t rota_sim_supply_random(struct rota_sim_supply *s)
{
	uint64_t z = s->random += 0x9E3779B97F4A7C15;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
	return z ^ (z >> 31);
}

void rota_sim_supply_tell(const struct rota_sim_supply *s, struct rota_buf room)
{
	static const char *const names[ROTA_SIM_FAULT_COUNT] = {
		[ROTA_SIM_NONE] = "nothing",
		[ROTA_SIM_CUT_BEFORE] = "cut before",
		[ROTA_SIM_CUT_WEAK] = "cut weak",
		[ROTA_SIM_CUT_TORN] = "cut torn",
		[ROTA_SIM_CUT_DONE] = "cut done",
		[ROTA_SIM_CUT_UNSYNCED] = "cut unsynced",
		[ROTA_SIM_FAIL] = "failure",
		[ROTA_SIM_SILENT] = "silent failure",
	};

	(void)snprintf((char *)room.p, room.len, "%s at operation %" PRIu64 ", seed %" PRIu64,
		names[s->fault], s->at, s->seed);
}
