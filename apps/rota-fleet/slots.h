/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-fleet/slots.h -- the two places for images of a simulated device, and its boot stage, of which only that is kept which
 * decides what boots: digests. What is written is verified on its way by the update cycle, and counted here.
 *
 * What outlives the power lies with the device that sleeps, a few bytes; so does what runs, since a device that wakes for a poll does not
 * boot for it. Each change is durable at once.
 */
#ifndef APPS_ROTA_FLEET_SLOTS_H
#define APPS_ROTA_FLEET_SLOTS_H

#include "ports/flash_sim/supply.h"
#include "rota/port/slots.h"

#define FLEET_IMAGE_MAX (1u << 20) /* that a place holds */

/* Starts as { 0 }: the factory's image, whose digest nobody knows, runs in place 0 and is confirmed. */
struct fleet_images {
	uint8_t digest[2][ROTA_SHA256_LEN]; /* by place; zeros: the factory's image, or none */
	uint8_t confirmed, runs; /* places */
	uint8_t kind; /* enum rota_boot_kind, of what runs */
	bool asked; /* for a trial of the place that is not confirmed */
};

struct fleet_slots {
	struct rota_slots port; /* its ctx is this struct: do not move it while it is in use */
	const struct rota_sim_supply *supply;
	struct fleet_images *of; /* the device that is awake */
};

void fleet_slots_init(struct fleet_slots *s, const struct rota_sim_supply *supply);

/* The boot stage: what was asked for runs on trial, once. */
void fleet_images_boot(struct fleet_images *i);

/* Whether every boot runs another image than the factory's. */
bool fleet_images_new(const struct fleet_images *i);

#endif
