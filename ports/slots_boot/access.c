/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_boot/access.h"

static enum rota_err begin(void *ctx, struct rota_bootstate *out)
{
	struct rota_slots_boot_access *a = ctx;

	ROTA_TRY(rota_layout_state_open(&a->held, a->device_fd));
	if (a->held.state.count != a->count) {
		rota_layout_state_close(&a->held);
		return ROTA_ERR_CORRUPT;
	}
	*out = a->held.state;
	return ROTA_OK;
}

static enum rota_err commit(void *ctx, const struct rota_bootstate *state)
{
	struct rota_slots_boot_access *a = ctx;

	a->held.state = *state;
	return rota_layout_state_commit(&a->held);
}

static void end(void *ctx)
{
	struct rota_slots_boot_access *a = ctx;

	rota_layout_state_close(&a->held);
}

void rota_slots_boot_access(struct rota_slots_boot_access *a, int device_fd, uint8_t count)
{
	*a = (struct rota_slots_boot_access){
		.port = { .ctx = a, .begin = begin, .commit = commit, .end = end },
		.device_fd = device_fd,
		.count = count,
	};
}
