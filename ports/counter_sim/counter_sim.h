/* SPDX-License-Identifier: Apache-2.0 */
/* ports/counter_sim/counter_sim.h -- counters that lose their power, or fail, where the supply says so.
 *
 * Each step of each counter is one operation of the supply (ports/flash_sim/supply.h): a plan cuts before it,
 * in the middle (the step was taken or not, as drawn), or after it. A value once reached is never lost.
 * A struct copy is a snapshot; it holds no pointer into itself but the port's ctx, which
 * rota_counter_sim_port() sets for the place that the struct has.
 */
#ifndef PORTS_COUNTER_SIM_COUNTER_SIM_H
#define PORTS_COUNTER_SIM_COUNTER_SIM_H

#include "ports/flash_sim/supply.h"
#include "rota/port/counter.h"

struct rota_counter_sim {
	struct rota_sim_supply *supply;
	uint32_t value[ROTA_COUNTER_COUNT];
	uint8_t gone; /* bit (1u << id): reads and advances are ROTA_ERR_CORRUPT */
	uint8_t away; /* the same, ROTA_ERR_IO: the bus does not answer */
	uint32_t steps; /* taken, over all counters: what they wore */
};

/* All at 0, on `supply`, which outlives it. */
void rota_counter_sim_init(struct rota_counter_sim *sim, struct rota_sim_supply *supply);

/* The port over `sim`: `have` as given, no limits. Whoever wants limits sets `last`. */
struct rota_counter rota_counter_sim_port(struct rota_counter_sim *sim, uint8_t have);

#endif
