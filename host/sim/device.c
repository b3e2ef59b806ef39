/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sim/parts.h"

#include <string.h>

#define REBOOTS_MAX 24 /* in a row: more than any update takes */

/* ---- places ---- */

static struct rota_flash *inner(struct sim_place *p)
{
	return &p->region.port;
}

void sim_tell(struct sim_device *d, const struct sim_call *call)
{
	if (d->world != NULL && d->world->call != NULL)
		d->world->call(d->world->call_ctx, d, call);
}

static void tell_flash(
	struct sim_place *p, enum sim_call_kind kind, uint32_t off, struct rota_span bytes)
{
	const struct sim_call call = { .kind = kind, .place = p->name, .off = off, .bytes = bytes };

	sim_tell(p->device, &call);
}

static enum rota_err place_read(void *ctx, uint32_t off, struct rota_buf to)
{
	struct sim_place *p = ctx;

	return inner(p)->read(inner(p)->ctx, off, to);
}

static enum rota_err place_write(void *ctx, uint32_t off, struct rota_span from)
{
	struct sim_place *p = ctx;

	tell_flash(p, SIM_WRITE, off, from);
	return inner(p)->write(inner(p)->ctx, off, from);
}

static enum rota_err place_erase(void *ctx, uint32_t off)
{
	struct sim_place *p = ctx;

	tell_flash(p, SIM_ERASE, off, rota_span(NULL, 0));
	return inner(p)->erase(inner(p)->ctx, off);
}

static enum rota_err place_sync(void *ctx)
{
	struct sim_place *p = ctx;

	tell_flash(p, SIM_SYNC, 0, rota_span(NULL, 0));
	return inner(p)->sync(inner(p)->ctx);
}

static enum rota_err place_init(struct sim_device *d, enum sim_place_name name)
{
	const struct sim_area here = sim_area(d, name), *area = &here;
	struct sim_place *p = &d->place[name];

	p->device = d;
	p->name = name;
	if (area->len == 0)
		return ROTA_OK;
	if (area->join == 0)
		ROTA_TRY(rota_flash_sim_region_own(
			&p->region, &d->chip[area->chip], area->at, area->len));
	else
		ROTA_TRY(rota_flash_sim_region(&p->region, &d->chip[area->chip], area->at,
			area->join, area->len / area->join));
	p->port = *inner(p);
	p->port.ctx = p;
	p->port.read = place_read;
	p->port.write = place_write;
	p->port.erase = place_erase;
	p->port.sync = place_sync;
	return ROTA_OK;
}

/* ---- calls ---- */

enum rota_err sim_call(struct sim_device *d, const struct sim_call *call)
{
	struct rota_flash *port = inner(&d->place[call->place]);

	switch (call->kind) {
	case SIM_WRITE:
		return port->write(port->ctx, call->off, call->bytes);
	case SIM_ERASE:
		return port->erase(port->ctx, call->off);
	case SIM_COUNT:
		return sim_counter_advance(d, call->id, call->to);
	case SIM_SYNC:
		break;
	}
	return port->sync(port->ctx);
}

/* ---- a device ---- */

static enum rota_err make(struct sim_device *d)
{
	const struct sim_board *board = d->fleet->board;

	for (uint8_t i = 0; i < board->chips; i++)
		ROTA_TRY(rota_flash_sim_init(&d->chip[i], &board->chip[i], &d->supply));
	if (d->fleet->keys != NULL)
		ROTA_TRY(rota_flash_sim_init(&d->chip[board->chips], &board->keys, &d->supply));
	for (int i = 0; i < SIM_ALL_PLACES; i++)
		ROTA_TRY(place_init(d, (enum sim_place_name)i));
	return ROTA_OK;
}

void sim_number(struct sim_device *d, uint32_t number)
{
	static const char digits[] = "0123456789abcdef";

	d->number = number;
	d->what = *d->fleet->what;
	if (number == 0)
		return;
	memset(d->id, '0', sizeof(d->id));
	for (size_t i = 0; i < 8; i++)
		d->id[i] = (uint8_t)digits[number >> (28 - 4 * i) & 0xF];
	d->what.id = ROTA_SPAN(d->id);
	sim_keys_init(d); /* which are this device's */
}

enum rota_err sim_device_init(struct sim_device *d, const struct sim_fleet *fleet)
{
	enum rota_err err;

	memset(d, 0, sizeof(*d));
	d->fleet = fleet;
	rota_sim_supply_init(&d->supply, 1);
	sim_number(d, 0);
	sim_slots_init(d);
	sim_counters_init(d);
	sim_keys_init(d);
	err = make(d);
	if (err != ROTA_OK)
		sim_device_free(d);
	return err;
}

void sim_device_free(struct sim_device *d)
{
	for (uint8_t i = 0; i <= SIM_CHIPS; i++) {
		if (d->chip[i].sectors != NULL)
			rota_flash_sim_free(&d->chip[i]);
	}
}

void sim_blank(struct sim_device *d)
{
	for (uint8_t i = 0; i < sim_chips(d); i++) {
		struct rota_flash_sim *chip = &d->chip[i];

		for (uint32_t k = 0; k < chip->cells.count; k++) {
			rota_sim_cells_wipe(&chip->cells, k);
			rota_sim_cells_wipe(&chip->synced, k);
		}
		for (uint32_t k = 0; k < chip->sector_count; k++) {
			chip->sectors[k].erases = 0;
			chip->sectors[k].half_steps = 0;
		}
		chip->cuts = d->supply.cuts;
	}
	memset(d->counters.value, 0, sizeof(d->counters.value));
	rota_sim_fuses_init(&d->fuses, &d->supply);
	sim_power(d);
}

void sim_power(struct sim_device *d)
{
	rota_sim_supply_on(&d->supply);
	d->runs = false;
	d->why = NULL;
	d->boots = 0;
	d->cycles = 0;
	d->loaded = 0;
	sim_slots_init(d);
	sim_keys_init(d);
}

/* ---- images ---- */

static enum rota_err save_chip(struct rota_flash_sim *chip, struct rota_flash_sim_image *image,
	struct rota_sim_cells *synced)
{
	ROTA_TRY(rota_flash_sim_save(chip, image));
	ROTA_TRY(rota_sim_cells_init(synced, chip->synced.count, chip->chip.erased));
	rota_sim_cells_copy(synced, &chip->synced);
	return ROTA_OK;
}

enum rota_err sim_save(struct sim_device *d, struct sim_image *image)
{
	*image = (struct sim_image){ .clock_s = d->clock_s };
	memcpy(image->counter, d->counters.value, sizeof(image->counter));
	image->fuses = d->fuses;
	for (uint8_t i = 0; i < sim_chips(d); i++) {
		enum rota_err err = save_chip(&d->chip[i], &image->chip[i], &image->synced[i]);

		if (err != ROTA_OK) {
			sim_image_free(image);
			return err;
		}
	}
	return ROTA_OK;
}

void sim_restore(struct sim_device *d, const struct sim_image *image)
{
	for (uint8_t i = 0; i < sim_chips(d); i++) {
		rota_flash_sim_restore(&d->chip[i], &image->chip[i]);
		d->chip[i].broken = 0;
		rota_sim_cells_copy(&d->chip[i].synced, &image->synced[i]);
	}
	memcpy(d->counters.value, image->counter, sizeof(image->counter));
	d->fuses = image->fuses;
	d->fuses.supply = &d->supply;
	d->clock_s = image->clock_s;
	d->restored = false;
	sim_power(d);
}

/* Pages [from, to) of a chip. */
static void put_back(struct rota_sim_cells *cells, const struct rota_sim_cells *image,
	uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		rota_sim_cells_wipe(cells, i);
		cells->pages[i] = image->pages[i];
		if (cells->pages[i] != NULL)
			cells->pages[i]->holders++;
	}
}

void sim_put_back(struct sim_device *d, const struct sim_image *image, uint32_t which)
{
	for (int i = 0; i < SIM_ALL_PLACES; i++) {
		const struct sim_area here = sim_area(d, (enum sim_place_name)i), *area = &here;
		struct rota_flash_sim *chip = &d->chip[area->chip];
		uint32_t from = area->at / ROTA_SIM_PAGE_LEN,
			 to = (area->at + area->len) / ROTA_SIM_PAGE_LEN;

		if ((which >> i & 1) == 0)
			continue;
		put_back(&chip->cells, &image->chip[area->chip].cells, from, to);
		put_back(&chip->synced, &image->chip[area->chip].cells, from, to);
	}
	d->restored = false;
	sim_power(d);
}

void sim_image_free(struct sim_image *image)
{
	for (int i = 0; i <= SIM_CHIPS; i++) {
		rota_flash_sim_image_free(&image->chip[i]);
		rota_sim_cells_free(&image->synced[i]);
	}
}

/* ---- its life ---- */

enum rota_err sim_put_image(struct sim_place *p, struct rota_span image)
{
	uint8_t unit[ROTA_FLASH_WRITE_MAX];
	uint32_t len = p->port.write_len, whole = (uint32_t)image.len / len * len;

	memset(unit, p->port.erased, sizeof(unit));
	memcpy(unit, image.p + whole, image.len - whole);
	ROTA_TRY(p->port.write(p, 0, rota_span(image.p, whole)));
	if (whole < image.len)
		ROTA_TRY(p->port.write(p, whole, rota_span(unit, len)));
	return p->port.sync(p);
}

enum rota_err sim_factory(struct sim_device *d, const struct rota_span *image,
	const uint8_t (*digest)[ROTA_SHA256_LEN], const struct rota_state *state)
{
	struct rota_bootstate boot;

	for (uint8_t i = 0; i < d->fleet->components; i++)
		ROTA_TRY(sim_put_image(&d->place[SIM_SLOTS + 2 * i], image[i]));
	rota_bootstate_init(&boot, d->fleet->rom->counter, digest[0]);
	rota_watchdog_init(&d->fleet->rom->watchdog, &boot);
	for (uint8_t i = 1; i < d->fleet->components; i++)
		ROTA_TRY(rota_bootstate_add(&boot, digest[i]));
	ROTA_TRY(rota_journal_open(&d->boot, &d->place[SIM_BOOT].port, ROTA_JOURNAL_BOOT));
	ROTA_TRY(rota_bootstate_commit(&d->boot, &boot));
	ROTA_TRY(sim_keys_factory(d));
	ROTA_TRY(rota_journal_open(&d->journal, &d->place[SIM_DEVICE].port, ROTA_JOURNAL_DEVICE));
	return rota_update_factory(
		&d->journal, state, rota_buf((uint8_t *)d->room, sizeof(d->room)));
}

enum rota_err sim_boot_state(struct sim_device *d, struct rota_bootstate *out)
{
	struct rota_journal j;

	ROTA_TRY(rota_journal_open(&j, &d->place[SIM_BOOT].port, ROTA_JOURNAL_BOOT));
	return rota_bootstate_load(&j, out);
}

static enum sim_end ended(struct sim_device *d, enum sim_end end, const char *why)
{
	d->runs = false;
	d->why = why;
	return d->supply.off ? SIM_CUT : end;
}

/* What comes of a cycle, or of there being none: IDLE, STOPPED, or it goes on with a boot (REBOOT). */
static enum rota_update_want_kind work(struct sim_device *d)
{
	const struct sim_world *world = d->world;
	enum rota_update_want_kind end;

	if (world->crashes != NULL && world->crashes(world->ctx, d))
		return ROTA_UPDATE_REBOOT;
	sim_ticket(d);
	if (world->silent != NULL && world->silent(world->ctx, d))
		return ROTA_UPDATE_IDLE;
	end = sim_cycle(d);
	if (end == ROTA_UPDATE_IDLE && world->application != NULL && !d->supply.off)
		world->application(world->ctx, d);
	return sim_alone_ends(d) ? ROTA_UPDATE_REBOOT : end;
}

/* Boot and run until it is idle, which is one poll. */
static enum sim_end poll_once(struct sim_device *d)
{
	for (int i = 0; i < REBOOTS_MAX; i++) {
		enum rota_update_want_kind end;

		if (!d->runs && sim_boot(d) != ROTA_OK)
			return ended(d, SIM_BRICKED, "the boot stage refuses all");
		end = work(d);
		if (d->supply.off)
			return ended(d, SIM_CUT, NULL);
		if (end == ROTA_UPDATE_IDLE)
			return SIM_IDLE;
		if (end == ROTA_UPDATE_STOPPED)
			return SIM_STOPPED;
		sim_power(d);
	}
	return ended(d, SIM_BROKEN, "it reboots for ever");
}

/* Until the next poll, or the reset that is one. */
static enum sim_end wait(struct sim_device *d)
{
	uint64_t until_s = d->clock_s + d->fleet->poll_s;

	if (d->fleet->sleeps)
		sim_power(d);
	while (d->runs && d->turn.run_s > 0 && d->turn_until_s <= until_s) {
		d->clock_s = d->turn_until_s;
		sim_over(d);
		if (d->supply.off)
			return ended(d, SIM_CUT, NULL);
		if (!d->runs)
			return SIM_IDLE;
	}
	d->clock_s = until_s;
	return SIM_IDLE;
}

static bool goes_on(const struct sim_device *d, enum sim_end end)
{
	return end == SIM_IDLE || (end == SIM_STOPPED && d->fleet->patient);
}

enum sim_end sim_run(struct sim_device *d, const struct sim_world *world, uint64_t until_s)
{
	enum sim_end end;

	d->world = world;
	while (goes_on(d, end = poll_once(d)) && d->clock_s < until_s) {
		end = wait(d);
		if (end == SIM_CUT)
			break;
	}
	d->world = NULL;
	return end;
}
