/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/loader.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/slots_part/machine.h"

static const struct rota_selector *open_selector(
	struct agent_loader_slots *l, const struct agent_config *config)
{
	switch (config->loader_backend) {
	case AGENT_BACKEND_UBOOT:
		rota_sel_uboot_open(&l->selector.uboot, config->loader.at);
		return &l->selector.uboot.port;
	case AGENT_BACKEND_GRUB:
		rota_sel_grub_open(&l->selector.grub, config->loader.at);
		return &l->selector.grub.port;
	case AGENT_BACKEND_SDBOOT:
		rota_sel_sdboot_open(&l->selector.sdboot, config->loader.at);
		return &l->selector.sdboot.port;
	case AGENT_BACKEND_BOOT:
	case AGENT_BACKEND_EXEC:
	default:
		return NULL;
	}
}

enum rota_err agent_loader_open(
	struct agent_loader_slots *l, const struct agent_config *config, struct rota_fail *why)
{
	const struct agent_loader *loader = &config->loader;
	struct rota_slots_part_config group = {
		.selector = open_selector(l, config),
		.crypto = &rota_crypto_openssl,
		.state = loader->state,
		.cmdline = loader->cmdline ? loader->cmdline : ROTA_MACHINE_CMDLINE,
		.boot_id = loader->boot_id ? loader->boot_id : ROTA_MACHINE_BOOT_ID,
		.slot = l->slot,
	};
	enum rota_err err;

	if (!group.selector)
		return ROTA_OK;
	for (uint8_t i = 0; i < config->slot_count; i++) {
		const struct agent_slot *s = &config->slot[i];

		if (s->backend == config->loader_backend)
			l->slot[group.count++] = (struct rota_slots_part_slot){ s->name,
				{ s->place[0], s->place[1] } };
	}
	err = rota_slots_part_open(&l->group, &group);
	if (err != ROTA_OK)
		return rota_fail(why, err, "[loader] state = %s cannot be used: %s", loader->state,
			rota_err_str(err));
	l->is_open = true;
	return ROTA_OK;
}

void agent_loader_close(struct agent_loader_slots *l)
{
	if (l->is_open)
		rota_slots_part_close(&l->group);
	l->is_open = false;
}
