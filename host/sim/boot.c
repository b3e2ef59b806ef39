/* SPDX-License-Identifier: Apache-2.0 */
/* The boot stage of a simulated device: boot/choice over boot/verify, each image read once, and of component 0 what
 * was hashed is what is loaded. */
#include "host/sim/parts.h"
#include "boot/burn.h"
#include "boot/choice.h"
#include "boot/order.h"
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

/* What was found good of a component last. */
struct member {
	uint8_t digest[ROTA_SHA256_LEN];
	uint64_t version;
	uint32_t counter;
	uint8_t keys; /* that vouch for it */
};

struct booting {
	struct sim_device *device;
	struct rota_bootstate state;
	struct rota_burn_facts burn;
	struct rota_boot_policy policy;
	struct rota_boot_order order;
	struct rota_rom_key added[ROTA_BOOT_KEYS_ADDED_MAX];
	struct member member[ROTA_SET_MAX];
};

static bool verify(struct booting *b, const struct rota_boot_choice *ask)
{
	struct sim_device *d = b->device;
	struct member *m = &b->member[ask->component];
	struct loading loading = { d, &d->place[SIM_SLOTS + 2 * ask->component + ask->place].port };
	const struct rota_boot_source from = { &loading, read_slot,
		ask->component == 0 ? load_payload : NULL };
	struct rota_image image;
	uint8_t piece[512];

	if (ask->component == 0)
		d->loaded = 0;
	if (rota_boot_verify(&from, &b->policy, ROTA_BUF(piece), &image, &m->keys) != ROTA_OK ||
		(ask->digest != NULL &&
			memcmp(image.info.digest, ask->digest, ROTA_SHA256_LEN) != 0))
		return false;
	memcpy(m->digest, image.info.digest, ROTA_SHA256_LEN);
	m->version = image.info.version;
	m->counter = image.info.counter;
	return true;
}

static enum rota_err commit(void *ctx, const struct rota_bootstate *next)
{
	struct booting *b = ctx;

	return rota_bootstate_commit(&b->device->boot, next);
}

/* What is made final in a boot of the confirmed image; where that fails the next boot goes on. */
static void burn(struct booting *b, enum rota_boot_kind kind)
{
	struct sim_device *d = b->device;
	const struct rota_burn_io io = { &d->counter, b, commit };

	b->burn.confirmed = kind == ROTA_BOOT_CONFIRMED || kind == ROTA_BOOT_REVERTED;
	for (uint8_t i = 0; i < b->state.count; i++)
		rota_burn_member(&b->burn, b->member[i].counter, b->member[i].keys);
	d->restored = d->restored || rota_burn_restored(&b->state, &b->burn);
	if (rota_burn_run(&b->state, &b->burn, &io) != ROTA_OK)
		return;
}

/* What is handed on to what runs. */
static void hand_on(struct booting *b, const struct rota_boot_choice *choice)
{
	struct sim_device *d = b->device;
	struct rota_running *now = &d->now;

	*now = (struct rota_running){ .count = b->state.count,
		.places = choice->places,
		.trial = choice->trial,
		.kind = choice->kind,
		.unknown = choice->unknown };
	d->image_counter = UINT32_MAX;
	for (uint8_t i = 0; i < now->count; i++) {
		memcpy(now->digest[i], b->member[i].digest, ROTA_SHA256_LEN);
		if (b->member[i].counter < d->image_counter)
			d->image_counter = b->member[i].counter;
	}
	d->version = b->member[0].version;
	d->booted = (struct rota_booted){
		.id = now->places & 1, .kind = now->kind, .unknown = now->unknown
	};
	memcpy(d->booted.digest, now->digest[0], ROTA_SHA256_LEN);
}

static void start(struct booting *b, const struct rota_boot_choice *choice)
{
	struct sim_device *d = b->device;

	burn(b, choice->kind);
	if (d->supply.off)
		return;
	hand_on(b, choice);
	d->runs = true;
	d->boots++;
	if (d->world != NULL && d->world->started != NULL)
		d->world->started(d->world->ctx, d);
}

/* What the device holds images against in this boot. */
static void set_policy(struct booting *b)
{
	const struct sim_fleet *fleet = b->device->fleet;

	rota_burn_begin(&b->burn, &b->device->counter, fleet->rom);
	b->policy = (struct rota_boot_policy){
		.crypto = fleet->crypto,
		.rom = fleet->rom,
		.counter = rota_burn_floor(&b->state, &b->burn, ROTA_COUNTER_SECURITY),
		.key_floor = rota_boot_key_floor(fleet->rom,
			(uint8_t)rota_burn_floor(&b->state, &b->burn, ROTA_COUNTER_KEYS)),
	};
}

/* What the recovery order in force allows beside. */
static void allow_order(struct booting *b)
{
	struct sim_device *d = b->device;

	if (b->state.order_phase == ROTA_ORDER_NONE_YET)
		return;
	rota_boot_order_load(&b->order, &d->desk, &d->place[SIM_ORDERS].port, &b->state,
		d->fleet->rom, d->fleet->crypto,
		rota_burn_floor(&b->state, &b->burn, ROTA_COUNTER_EPOCH));
	rota_boot_order_allow(&b->order, b->added, &b->policy);
}

enum rota_err sim_boot(struct sim_device *d)
{
	struct booting b = { .device = d };
	struct rota_boot_facts facts = { .unnoted = false };
	struct rota_boot_choice choice;
	enum rota_boot_verdict verdict;

	ROTA_TRY(rota_journal_open(&d->boot, &d->place[SIM_BOOT].port, ROTA_JOURNAL_BOOT));
	ROTA_TRY(rota_bootstate_load(&d->boot, &b.state));
	sim_turn(d, &b.state);
	set_policy(&b);
	allow_order(&b);
	while ((verdict = rota_boot_choose(&b.state, &facts, &choice)) != ROTA_BOOT_REFUSE) {
		if (verdict == ROTA_BOOT_VERIFY) {
			*choice.fact = verify(&b, &choice) ? ROTA_BOOT_YES : ROTA_BOOT_NO;
			continue;
		}
		if (choice.commit && commit(&b, &choice.next) == ROTA_OK) {
			b.state = choice.next;
		} else if (choice.commit && choice.kind == ROTA_BOOT_TRIAL) {
			facts.unnoted = true;
			continue;
		}
		start(&b, &choice);
		return d->runs ? ROTA_OK : ROTA_ERR_IO;
	}
	return ROTA_ERR_DENIED;
}
