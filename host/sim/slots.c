/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of rota/store over areas of flash and the boot journal, as on a microcontroller. */
#include "host/sim/parts.h"

/* What the boot stage left in RAM. */
static enum rota_err what_runs(void *ctx, struct rota_running *out)
{
	const struct sim_device *d = ctx;

	*out = d->now;
	return ROTA_OK;
}

void sim_slots_init(struct sim_device *d)
{
	d->access = rota_boot_access_journal(&d->boot);
	d->running = (struct rota_running_source){ d, what_runs };
	rota_set_init(&d->set, &d->access, &d->running);
	for (uint8_t i = 0; i < d->fleet->components; i++) {
		const struct sim_place *place = &d->place[SIM_SLOTS + 2 * i];

		rota_flash_area_init(&d->area[i], &place[0].port, &place[1].port);
		if (i == 0)
			rota_flash_area_maps(&d->area[i], &d->place[SIM_MAPS].port,
				&d->place[SIM_MAPS + 1].port);
		rota_set_member_init(&d->member[i], &d->set, i, &d->area[i].port);
		d->named[i] =
			(struct rota_named_slots){ d->fleet->slot_name[i], &d->member[i].port };
	}
}
