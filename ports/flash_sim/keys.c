/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/flash_sim/keys.h"

#include <string.h>

void rota_sim_keys_init(struct rota_sim_keys *k, struct rota_sim_supply *supply)
{
	*k = (struct rota_sim_keys){ .supply = supply };
}

static enum rota_err reachable(const struct rota_sim_keys *k, uint32_t i)
{
	if (k->supply->off)
		return ROTA_ERR_IO;
	return i < ROTA_SIM_KEYS ? ROTA_OK : ROTA_ERR_ARGUMENT;
}

/* Whether a write or a destruction was torn: what is there is no key. */
static bool broken(const struct rota_sim_key *s)
{
	return s->torn == ROTA_SIM_KEY_WRITTEN || s->torn == ROTA_SIM_KEY_DESTROYED;
}

enum rota_err rota_sim_keys_read(
	const struct rota_sim_keys *k, uint32_t i, uint8_t to[static ROTA_SIM_KEY_LEN])
{
	const struct rota_sim_key *s;
	bool locked;

	ROTA_TRY(reachable(k, i));
	s = &k->slot[i];
	if (broken(s))
		return ROTA_ERR_CORRUPT;
	if (s->state == ROTA_SIM_KEY_EMPTY || s->state == ROTA_SIM_KEY_DESTROYED)
		return ROTA_ERR_NOT_FOUND;
	locked = s->state == ROTA_SIM_KEY_LOCKED ||
		(s->torn == ROTA_SIM_KEY_LOCKED && (rota_sim_supply_random(k->supply) & 1) != 0);
	if (locked)
		return ROTA_ERR_DENIED;
	memcpy(to, s->bytes, ROTA_SIM_KEY_LEN);
	return ROTA_OK;
}

/* Bring slot `i` to `state`, with `bytes` where it takes a key. */
static enum rota_err change(
	struct rota_sim_keys *k, uint32_t i, enum rota_sim_key_state state, struct rota_span bytes)
{
	struct rota_sim_op op = {
		.kind = ROTA_SIM_KEY, .part = k, .at = i, .step = state, .bytes = bytes
	};
	enum rota_sim_fault fault = rota_sim_supply_step(k->supply, &op);
	struct rota_sim_key *s = &k->slot[i];

	if (rota_sim_supply_torn(fault)) {
		s->torn = (uint8_t)state;
	} else if (rota_sim_supply_done(fault)) {
		s->state = (uint8_t)state;
		s->torn = 0;
		memmove(s->bytes, bytes.p, bytes.len);
	}
	return rota_sim_supply_told(fault);
}

enum rota_err rota_sim_keys_write(
	struct rota_sim_keys *k, uint32_t i, const uint8_t from[static ROTA_SIM_KEY_LEN])
{
	ROTA_TRY(reachable(k, i));
	if (k->slot[i].state != ROTA_SIM_KEY_EMPTY || k->slot[i].torn != 0)
		return ROTA_ERR_STATE;
	return change(k, i, ROTA_SIM_KEY_WRITTEN, rota_span(from, ROTA_SIM_KEY_LEN));
}

enum rota_err rota_sim_keys_lock(struct rota_sim_keys *k, uint32_t i)
{
	struct rota_sim_key *s;

	ROTA_TRY(reachable(k, i));
	s = &k->slot[i];
	if (broken(s) || (s->state != ROTA_SIM_KEY_WRITTEN && s->state != ROTA_SIM_KEY_LOCKED))
		return ROTA_ERR_STATE;
	return change(k, i, ROTA_SIM_KEY_LOCKED, ROTA_SPAN(s->bytes));
}

static const uint8_t wiped[ROTA_SIM_KEY_LEN];

enum rota_err rota_sim_keys_destroy(struct rota_sim_keys *k, uint32_t i)
{
	ROTA_TRY(reachable(k, i));
	if (k->slot[i].state == ROTA_SIM_KEY_EMPTY && k->slot[i].torn == 0)
		return ROTA_ERR_STATE;
	return change(k, i, ROTA_SIM_KEY_DESTROYED, ROTA_SPAN(wiped));
}
