/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/loader.h -- the slots behind U-Boot, GRUB or systemd-boot, as they are configured. */
#ifndef APPS_ROTA_AGENT_LOADER_H
#define APPS_ROTA_AGENT_LOADER_H

#include "apps/rota-agent/config.h"
#include "ports/sel_grub/sel_grub.h"
#include "ports/sel_sdboot/sel_sdboot.h"
#include "ports/sel_uboot/sel_uboot.h"
#include "ports/slots_part/slots_part.h"

struct agent_loader_slots {
	bool is_open;
	union {
		struct rota_sel_uboot uboot;
		struct rota_sel_grub grub;
		struct rota_sel_sdboot sdboot;
	} selector;
	struct rota_slots_part_slot slot[AGENT_SLOTS_MAX];
	struct rota_slots_part group;
};

/* Open the group of all slots that are behind the loader, which are its members in that order. Nothing where
 * there is none. `l` is not moved while it is open. */
ROTA_MUST_USE enum rota_err agent_loader_open(
	struct agent_loader_slots *l, const struct agent_config *config, struct rota_fail *why);
void agent_loader_close(struct agent_loader_slots *l);

#endif
