/* SPDX-License-Identifier: Apache-2.0 */
/* The boot stage of a simulated device: boot/choice over boot/verify, an image read once, what was hashed loaded. */
#include "host/sim/parts.h"
#include "boot/choice.h"
#include "boot/verify.h"

#include <string.h>

struct loading {
	struct sim_device *device;
	struct rota_flash *flash;
};

static enum rota_err read_slot(void *ctx, uint64_t off, struct rota_buf to)
{
	struct loading *l = ctx;
	uint64_t size = rota_flash_size(l->flash->run);

	if (off > size || to.len > size - off)
		return ROTA_ERR_LENGTH;
	return l->flash->read(l->flash->ctx, (uint32_t)off, to);
}

static enum rota_err load_payload(void *ctx, struct rota_span payload)
{
	struct loading *l = ctx;
	struct sim_device *d = l->device;

	if (payload.len > SIM_RAM - d->loaded)
		return ROTA_ERR_FULL;
	memcpy(&d->ram[d->loaded], payload.p, payload.len);
	d->loaded += (uint32_t)payload.len;
	return ROTA_OK;
}

static bool verify(struct sim_device *d, const struct rota_boot_choice *ask, uint32_t counter)
{
	struct loading loading = { d, &d->place[SIM_SLOTS + ask->slot].port };
	const struct rota_boot_source from = { &loading, read_slot, load_payload };
	const struct rota_boot_policy policy = {
		.crypto = d->fleet->crypto, .rom = d->fleet->rom, .counter = counter
	};
	struct rota_image image;
	uint8_t piece[512], keys;

	d->loaded = 0;
	if (rota_boot_verify(&from, &policy, ROTA_BUF(piece), &image, &keys) != ROTA_OK ||
		(ask->digest != NULL &&
			memcmp(image.info.digest, ask->digest, ROTA_SHA256_LEN) != 0))
		return false;
	memcpy(d->booted.digest, image.info.digest, ROTA_SHA256_LEN);
	d->version = image.info.version;
	return true;
}

static void start(struct sim_device *d, const struct rota_boot_choice *choice)
{
	d->booted.id = choice->slot;
	d->booted.kind = choice->kind;
	d->runs = true;
	d->boots++;
	if (d->world != NULL && d->world->started != NULL)
		d->world->started(d->world->ctx, d);
}

enum rota_err sim_boot(struct sim_device *d)
{
	struct rota_boot_facts facts = { .trial = ROTA_BOOT_UNKNOWN };
	struct rota_boot_choice choice;
	struct rota_bootstate state;
	enum rota_boot_verdict verdict;

	ROTA_TRY(rota_journal_open(&d->boot, &d->place[SIM_BOOT].port, ROTA_JOURNAL_BOOT));
	ROTA_TRY(rota_bootstate_load(&d->boot, &state));
	while ((verdict = rota_boot_choose(&state, &facts, &choice)) != ROTA_BOOT_REFUSE) {
		if (verdict == ROTA_BOOT_VERIFY) {
			*choice.fact =
				verify(d, &choice, state.counter) ? ROTA_BOOT_YES : ROTA_BOOT_NO;
			continue;
		}
		if (choice.commit && rota_bootstate_commit(&d->boot, &choice.next) != ROTA_OK &&
			choice.kind == ROTA_BOOT_TRIAL) {
			facts.trial = ROTA_BOOT_NO;
			continue;
		}
		if (d->supply.off)
			return ROTA_ERR_IO;
		start(d, &choice);
		return ROTA_OK;
	}
	return ROTA_ERR_DENIED;
}
