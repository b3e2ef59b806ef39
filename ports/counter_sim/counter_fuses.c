/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/counter_sim/counter_fuses.h"

static enum rota_err read_all(void *ctx, enum rota_counter_id id, uint32_t *value)
{
	const struct rota_sim_fuses *fuses = ctx;
	bool burnt = true;

	(void)id;
	for (*value = 0; *value < ROTA_SIM_FUSES; ++*value) {
		ROTA_TRY(rota_sim_fuses_read(fuses, *value, &burnt));
		if (!burnt)
			break;
	}
	return ROTA_OK;
}

static enum rota_err advance(void *ctx, enum rota_counter_id id, uint32_t to)
{
	struct rota_sim_fuses *fuses = ctx;
	uint32_t value;

	ROTA_TRY(read_all(ctx, id, &value));
	if (to > ROTA_SIM_FUSES)
		return ROTA_ERR_FULL;
	for (uint32_t i = value > 0 ? value - 1 : 0; value <= to && i < to; i++)
		ROTA_TRY(rota_sim_fuses_burn(fuses, i));
	return ROTA_OK;
}

struct rota_counter rota_counter_fuses_port(struct rota_sim_fuses *fuses, enum rota_counter_id id)
{
	struct rota_counter port = {
		.ctx = fuses, .have = (uint8_t)(1u << id), .read = read_all, .advance = advance
	};

	port.last[id] = ROTA_SIM_FUSES;
	return port;
}

uint32_t rota_counter_fuses_firm(const struct rota_sim_fuses *fuses)
{
	uint32_t i = 0;

	while (i < ROTA_SIM_FUSES && (fuses->burnt[i / 8] & 1u << i % 8) != 0)
		i++;
	return i;
}
