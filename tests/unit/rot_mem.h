/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/rot_mem.h -- a root of trust for the tests of what stands on one: fast, on the simulator's supply.
 *
 * Each make and destroy is one operation of the supply, done or not done. Its keys are real enough to be told apart: no
 * two are the same, a point says which key it is of, and what a wrap key sealed opens under that key alone. It
 * neither signs nor agrees.
 */
#ifndef TESTS_UNIT_ROT_MEM_H
#define TESTS_UNIT_ROT_MEM_H

#include "ports/flash_sim/supply.h"
#include "rota/port/rot.h"

/* All that outlives the power: a copy is a snapshot. 0: no such key. */
struct rot_mem_keys {
	uint32_t made; /* keys so far */
	uint32_t key[ROTA_ROT_KEYS];
	uint32_t wrap[ROTA_ROT_WRAPS];
};

struct rot_mem {
	struct rota_rot port; /* its ctx is this struct */
	struct rota_sim_supply *supply;
	const struct rota_crypto *crypto;
	struct rot_mem_keys has;
	uint32_t sealed; /* nonces */
	bool away; /* everything is ROTA_ERR_IO */
	bool broke_rules; /* somebody wanted to destroy the identity */
};

void rot_mem_init(
	struct rot_mem *m, struct rota_sim_supply *supply, const struct rota_crypto *crypto);

#endif
