/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-boot/order.h -- the recovery order in force, at a boot (SPEC 15.6). */
#ifndef APPS_ROTA_BOOT_ORDER_H
#define APPS_ROTA_BOOT_ORDER_H

#include "apps/rota-boot/device.h"
#include "boot/order.h"

/* What a policy points to: keep it as long as that. */
struct order_in_force {
	struct rota_boot_order order;
	struct rota_rom_key keys[ROTA_BOOT_KEYS_ADDED_MAX];
};

/* Judge it, say why it does not count, and put what it allows into the policy. epoch: the one in force, of hardware
 * too. */
void order_allow(const struct device *d, const struct rota_bootstate *state, uint32_t epoch,
	struct order_in_force *kept, struct rota_boot_policy *policy);

#endif
