/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-seald/trees.h -- what the trees in the state are of: where a device's keys of a purpose and generation are, and which
 * campaigns are overtaken. */
#ifndef APPS_ROTA_SEALD_TREES_H
#define APPS_ROTA_SEALD_TREES_H

#include "apps/rota-seald/config.h"
#include "host/campaign/backkeys.h"

struct tree_place {
	struct rota_backkeys ring; /* open; the caller closes it */
	char name[ROTA_FILE_PATH_MAX]; /* that the ring has */
	uint32_t index;
};

/* Of several trees with the device the highest counts (SPEC 32.6). Do not move what is found. ROTA_ERR_NOT_FOUND: none. */
ROTA_MUST_USE enum rota_err trees_find(const struct config *c, uint8_t purpose, uint32_t generation,
	const uint8_t device[static ROTA_DEVICE_LEN], struct tree_place *out,
	struct rota_fail *why);

/* Whether another campaign of this purpose, of the same or a higher generation, has a tree that is sealed: devices have, or will have,
 * that one, and the book is beyond ours (SPEC 37.9). */
bool trees_overtake(
	const struct config *c, const uint8_t id[static 32], uint8_t purpose, uint32_t generation);

#endif
