/* SPDX-License-Identifier: Apache-2.0 */
/* ports/flash_sim/keys.h -- slots for device keys, as chips have them: written once, locked, destroyed.
 *
 *   empty -> written -> locked -> destroyed      any but empty -> destroyed
 *
 * A written key is read out; a locked one is there and is not; a destroyed slot takes no key any more. Each
 * change is an operation of the supply. One that was torn leaves the slot *between* two states until the
 * change is made again:
 *
 *   write    neither read nor written again: it can only be destroyed
 *   lock     locked or not, drawn anew at each look
 *   destroy  cannot be read, though some of the key is there yet
 *
 * The struct is all there is: a copy of `slot` is a snapshot.
 */
#ifndef PORTS_FLASH_SIM_KEYS_H
#define PORTS_FLASH_SIM_KEYS_H

#include "ports/flash_sim/supply.h"

#define ROTA_SIM_KEYS 4
#define ROTA_SIM_KEY_LEN 32

enum rota_sim_key_state {
	ROTA_SIM_KEY_EMPTY,
	ROTA_SIM_KEY_WRITTEN,
	ROTA_SIM_KEY_LOCKED,
	ROTA_SIM_KEY_DESTROYED,
};

struct rota_sim_key {
	uint8_t state; /* enum rota_sim_key_state */
	uint8_t torn; /* the state that a torn change was to lead to; 0 none */
	uint8_t bytes[ROTA_SIM_KEY_LEN];
};

struct rota_sim_keys {
	struct rota_sim_supply *supply; /* outlives them */
	struct rota_sim_key slot[ROTA_SIM_KEYS];
};

/* All empty. */
void rota_sim_keys_init(struct rota_sim_keys *k, struct rota_sim_supply *supply);

/* ROTA_ERR_NOT_FOUND: empty or destroyed. ROTA_ERR_DENIED: locked. ROTA_ERR_CORRUPT: torn by a write or while it
 * was destroyed. ROTA_ERR_IO: no power. ROTA_ERR_ARGUMENT: no such slot. */
ROTA_MUST_USE enum rota_err rota_sim_keys_read(
	const struct rota_sim_keys *k, uint32_t i, uint8_t to[static ROTA_SIM_KEY_LEN]);

/* ROTA_ERR_STATE: the slot is not empty, or torn. ROTA_ERR_IO, ROTA_ERR_ARGUMENT. */
ROTA_MUST_USE enum rota_err rota_sim_keys_write(
	struct rota_sim_keys *k, uint32_t i, const uint8_t from[static ROTA_SIM_KEY_LEN]);

/* ROTA_ERR_STATE: no whole key is there. ROTA_ERR_IO, ROTA_ERR_ARGUMENT. A locked one may be locked again. */
ROTA_MUST_USE enum rota_err rota_sim_keys_lock(struct rota_sim_keys *k, uint32_t i);

/* ROTA_ERR_STATE: empty. ROTA_ERR_IO, ROTA_ERR_ARGUMENT. A destroyed one may be destroyed again. */
ROTA_MUST_USE enum rota_err rota_sim_keys_destroy(struct rota_sim_keys *k, uint32_t i);

#endif
