/* SPDX-License-Identifier: Apache-2.0 */
/* What of a device counts in hardware: the board's counters, and fuses as the security counter where the fleet has them. */
#include "host/sim/parts.h"

static const struct rota_counter *port_of(const struct sim_device *d, enum rota_counter_id id)
{
	return rota_counter_has(&d->fused, id) ? &d->fused : &d->hardware;
}

static enum rota_err counter_read(void *ctx, enum rota_counter_id id, uint32_t *value)
{
	struct sim_device *d = ctx;
	const struct rota_counter *port = port_of(d, id);

	return port->read(port->ctx, id, value);
}

enum rota_err sim_counter_advance(struct sim_device *d, enum rota_counter_id id, uint32_t to)
{
	const struct rota_counter *port = port_of(d, id);

	return port->advance(port->ctx, id, to);
}

static enum rota_err counter_advance(void *ctx, enum rota_counter_id id, uint32_t to)
{
	struct sim_device *d = ctx;
	const struct sim_call call = { .kind = SIM_COUNT, .id = id, .to = to };

	sim_tell(d, &call);
	return sim_counter_advance(d, id, to);
}

uint32_t sim_counter(const struct sim_device *d, enum rota_counter_id id)
{
	return rota_counter_has(&d->fused, id) ? rota_counter_fuses_firm(&d->fuses)
					       : d->counters.value[id];
}

void sim_counters_init(struct sim_device *d)
{
	rota_counter_sim_init(&d->counters, &d->supply);
	d->hardware = rota_counter_sim_port(&d->counters, d->fleet->board->counters);
	rota_sim_fuses_init(&d->fuses, &d->supply);
	d->fused = rota_counter_fuses_port(&d->fuses, ROTA_COUNTER_SECURITY);
	if (!d->fleet->fuses)
		d->fused.have = 0;
	d->counter = d->hardware;
	d->counter.ctx = d;
	d->counter.have = (uint8_t)(d->hardware.have | d->fused.have);
	if (d->fleet->fuses)
		d->counter.last[ROTA_COUNTER_SECURITY] = d->fused.last[ROTA_COUNTER_SECURITY];
	d->counter.read = counter_read;
	d->counter.advance = counter_advance;
}
