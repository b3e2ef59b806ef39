/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-seald/trees.h -- which of the trees in the state has a device's keys of a purpose and generation. */
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

#endif
