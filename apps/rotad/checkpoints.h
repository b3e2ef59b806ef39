/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/checkpoints.h -- the signing log as this server publishes it, for what devices tell of it (SPEC 22.5). */
#ifndef APPS_ROTAD_CHECKPOINTS_H
#define APPS_ROTAD_CHECKPOINTS_H

#include "host/registry/registry.h"

struct checkpoints {
	const char *folder; /* stays in use */
	uint64_t
		size; /* what was looked up last: after a release all devices ask the same; 0: nothing */
	uint8_t root[ROTA_SHA256_LEN];
};

/* rota_registry_log's look; `ctx` is a struct checkpoints. */
enum rota_err checkpoints_look(
	void *ctx, uint64_t size, const uint8_t root[static ROTA_SHA256_LEN]);

#endif
