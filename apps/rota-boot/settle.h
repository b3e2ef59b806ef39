/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-boot/settle.h -- what a boot settles around the choice of an image: the numbers in force before,
 * what is burnt after, whose turn the watchdog says it is, and the record of it all (SPEC 10.5 to 10.8). */
#ifndef APPS_ROTA_BOOT_SETTLE_H
#define APPS_ROTA_BOOT_SETTLE_H

#include "apps/rota-boot/boot.h"
#include "boot/burn.h"
#include "boot/record.h"

struct settled {
	struct rota_burn_facts facts;
	struct rota_record record;
	bool restored; /* the flash is older than the hardware */
};

/* What images are held against now. The journal is open, and so ours: one at a time speaks to the TPM. */
void settle_policy(struct device *d, const struct rota_bootstate *state,
	struct rota_burn_facts *facts, struct rota_boot_policy *policy);

/* Before images are read: the watchdog's turn, durable where it has to be. */
void settle_turn(struct device *d, struct rota_layout_state *l, struct rota_watchdog_turn *turn);

/* After the choice: burn what may be burnt, then write and extend the record. Nothing here stops a boot; what
 * failed is said. */
void settle_end(
	struct device *d, struct rota_layout_state *l, const struct loaded *set, struct settled *s);

#endif
