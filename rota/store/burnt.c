/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/burnt.h"
#include "rota/codec/rom.h"

static const enum rota_counter_id ids[] = {
	ROTA_COUNTER_SECURITY,
	ROTA_COUNTER_KEYS,
	ROTA_COUNTER_EPOCH,
};
#define NUMBERS (sizeof(ids) / sizeof(ids[0]))

struct rota_burnt rota_burnt_get(const struct rota_bootstate *state, enum rota_counter_id id)
{
	if (id == ROTA_COUNTER_SECURITY)
		return (struct rota_burnt){ state->counter, state->burn_to };
	if (id == ROTA_COUNTER_KEYS)
		return (struct rota_burnt){ state->key_floor, state->key_floor_to };
	return (struct rota_burnt){ state->epoch, state->epoch_to };
}

void rota_burnt_put(struct rota_bootstate *state, enum rota_counter_id id, struct rota_burnt number)
{
	if (id == ROTA_COUNTER_SECURITY) {
		state->counter = number.copy;
		state->burn_to = number.to;
	} else if (id == ROTA_COUNTER_KEYS) {
		state->key_floor = (uint8_t)number.copy;
		state->key_floor_to = (uint8_t)number.to;
	} else {
		state->epoch = number.copy;
		state->epoch_to = number.to;
	}
}

uint32_t rota_burnt_number(enum rota_counter_id id, uint32_t shown)
{
	bool past = id == ROTA_COUNTER_KEYS && shown > ROTA_ROM_KEYS_MAX - 1;

	return past ? ROTA_ROM_KEYS_MAX - 1 : shown;
}

bool rota_burnt_read(const struct rota_counter *counter, struct rota_burnt_shown *shown)
{
	bool any = false;

	*shown = (struct rota_burnt_shown){ { 0 } };
	for (size_t i = 0; i < NUMBERS; i++) {
		uint32_t value;

		if (rota_counter_has(counter, ids[i]) &&
			counter->read(counter->ctx, ids[i], &value) == ROTA_OK)
			shown->now[ids[i]] = rota_burnt_number(ids[i], value);
		any = any || shown->now[ids[i]] > 0;
	}
	return any;
}

bool rota_burnt_follow(struct rota_bootstate *state, const struct rota_burnt_shown *shown)
{
	bool ahead = false;

	for (size_t i = 0; i < NUMBERS; i++) {
		uint32_t now = shown->now[ids[i]];

		if (now <= rota_burnt_get(state, ids[i]).to)
			continue;
		rota_burnt_put(state, ids[i], (struct rota_burnt){ now, now });
		ahead = true;
	}
	return ahead;
}
