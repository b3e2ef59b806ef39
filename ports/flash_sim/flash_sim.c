/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/flash_sim/flash_sim.h"
#include "ports/flash_sim/operate.h"

#include <stdlib.h>
#include <string.h>

#define ERASE_STEPS_MAX 100 /* twice as many still fit what a sector counts half steps in */

static bool chip_ok(const struct rota_flash_sim_chip *chip)
{
	uint64_t size = 0;

	if (chip->write_len == 0 || (chip->write_len & (chip->write_len - 1)) != 0 ||
		chip->write_len > ROTA_FLASH_WRITE_MAX ||
		(chip->erased != 0xFF && chip->erased != 0x00) || chip->erase_steps == 0 ||
		chip->erase_steps > ERASE_STEPS_MAX)
		return false;
	for (size_t i = 0; i < ROTA_FLASH_RUNS_MAX; i++) {
		if (chip->runs[i].sector_len % ROTA_SIM_PAGE_LEN != 0 ||
			(chip->runs[i].sector_len == 0) != (chip->runs[i].count == 0))
			return false;
		size += (uint64_t)chip->runs[i].sector_len * chip->runs[i].count;
		if (size > UINT32_MAX)
			return false;
	}
	return size > 0;
}

static enum rota_err make_sectors(struct rota_flash_sim *sim)
{
	sim->sectors = calloc(sim->sector_count, sizeof(*sim->sectors));
	if (sim->sectors == NULL)
		return ROTA_ERR_FULL;
	for (uint32_t i = 0; i < sim->sector_count; i++) {
		struct rota_flash_sector s = rota_flash_sector(sim->chip.runs, i);

		sim->sectors[i].at = s.at;
		sim->sectors[i].len = s.len;
	}
	return ROTA_OK;
}

static enum rota_err make(struct rota_flash_sim *sim)
{
	uint32_t pages = sim->size / ROTA_SIM_PAGE_LEN;

	ROTA_TRY(make_sectors(sim));
	ROTA_TRY(rota_sim_cells_init(&sim->cells, pages, sim->chip.erased));
	return rota_sim_cells_init(&sim->synced, pages, sim->chip.erased);
}

enum rota_err rota_flash_sim_init(struct rota_flash_sim *sim,
	const struct rota_flash_sim_chip *chip, struct rota_sim_supply *supply)
{
	enum rota_err err;

	if (!chip_ok(chip))
		return ROTA_ERR_ARGUMENT;
	*sim = (struct rota_flash_sim){ .chip = *chip, .supply = supply, .cuts = supply->cuts };
	sim->sector_count = rota_flash_sectors(chip->runs);
	sim->size = (uint32_t)rota_flash_size(chip->runs);
	err = make(sim);
	if (err != ROTA_OK)
		rota_flash_sim_free(sim);
	return err;
}

void rota_flash_sim_free(struct rota_flash_sim *sim)
{
	rota_sim_cells_free(&sim->cells);
	rota_sim_cells_free(&sim->synced);
	free(sim->sectors);
	sim->sectors = NULL;
}

/* ---- a region as a port ---- */

static bool region_inside(const struct rota_flash_sim_region *r, uint32_t off, size_t len)
{
	uint64_t size = rota_flash_size(r->port.run);

	return off <= size && len <= size - off;
}

static enum rota_err region_read(void *ctx, uint32_t off, struct rota_buf to)
{
	struct rota_flash_sim_region *r = ctx;

	if (!region_inside(r, off, to.len))
		return ROTA_ERR_ARGUMENT;
	return rota_flash_sim_read(r->sim, r->at + off, to);
}

static enum rota_err region_write(void *ctx, uint32_t off, struct rota_span from)
{
	struct rota_flash_sim_region *r = ctx;

	if (!region_inside(r, off, from.len))
		return ROTA_ERR_ARGUMENT;
	return rota_flash_sim_write(r->sim, r->at + off, from);
}

static enum rota_err region_erase(void *ctx, uint32_t off)
{
	struct rota_flash_sim_region *r = ctx;
	struct rota_flash_sector s = rota_flash_sector_at(r->port.run, off);

	if (s.len == 0)
		return ROTA_ERR_ARGUMENT;
	return rota_flash_sim_erase(r->sim, r->at + off, s.len);
}

static enum rota_err region_sync(void *ctx)
{
	struct rota_flash_sim_region *r = ctx;

	return rota_flash_sim_sync(r->sim);
}

/* Whether a sector of the chip begins or the chip ends at `off`. */
static bool border(const struct rota_flash_sim *sim, uint64_t off)
{
	if (off >= sim->size)
		return off == sim->size;
	return rota_flash_sim_sector_of(sim, (uint32_t)off)->at == off;
}

/* `region` over the whole of `run`, from `at` on. */
static enum rota_err open_region(struct rota_flash_sim_region *region, struct rota_flash_sim *sim,
	uint32_t at, const struct rota_flash_run run[static ROTA_FLASH_RUNS_MAX])
{
	*region = (struct rota_flash_sim_region){ .sim = sim, .at = at };
	region->port = (struct rota_flash){
		.ctx = region,
		.write_len = sim->chip.write_len,
		.erased = sim->chip.erased,
		.once = sim->chip.once,
		.read = region_read,
		.write = region_write,
		.erase = region_erase,
		.sync = region_sync,
	};
	memcpy(region->port.run, run, sizeof(region->port.run));
	return ROTA_OK;
}

enum rota_err rota_flash_sim_region(struct rota_flash_sim_region *region,
	struct rota_flash_sim *sim, uint32_t at, uint32_t sector_len, uint32_t count)
{
	const struct rota_flash_run run[ROTA_FLASH_RUNS_MAX] = { { sector_len, count } };

	if (sector_len == 0 || count == 0 || !border(sim, at))
		return ROTA_ERR_ARGUMENT;
	for (uint32_t i = 1; i <= count; i++) {
		if (!border(sim, at + (uint64_t)sector_len * i))
			return ROTA_ERR_ARGUMENT;
	}
	return open_region(region, sim, at, run);
}

enum rota_err rota_flash_sim_region_own(
	struct rota_flash_sim_region *region, struct rota_flash_sim *sim, uint32_t at, uint32_t len)
{
	struct rota_flash_run run[ROTA_FLASH_RUNS_MAX] = { 0 };
	uint32_t r = 0;

	if (len == 0 || len > sim->size || !border(sim, at) || !border(sim, at + (uint64_t)len))
		return ROTA_ERR_ARGUMENT;
	for (uint32_t i = 0; i < sim->sector_count; i++) {
		const struct rota_flash_sim_sector *s = &sim->sectors[i];

		if (s->at < at || s->at >= at + len)
			continue;
		while (run[r].count > 0 && run[r].sector_len != s->len)
			r++;
		run[r].sector_len = s->len;
		run[r].count++;
	}
	return open_region(region, sim, at, run);
}

/* ---- faults of cells ---- */

enum rota_err rota_flash_sim_flip(struct rota_flash_sim *sim, uint32_t off, uint8_t mask)
{
	uint32_t in = off % ROTA_SIM_PAGE_LEN;
	struct rota_sim_page *page;
	uint8_t *mark;

	if (off >= sim->size)
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(rota_flash_sim_settle(sim));
	page = rota_sim_cells_own(&sim->cells, off / ROTA_SIM_PAGE_LEN);
	if (page == NULL)
		return ROTA_ERR_FULL;
	if (!sim->chip.ecc) {
		page->bytes[in] ^= mask;
		return ROTA_OK;
	}
	mark = &page->marks[in / sim->chip.write_len];
	*mark |= *mark & ROTA_SIM_FLIPPED ? ROTA_SIM_TORN : ROTA_SIM_FLIPPED;
	page->odd = true;
	return ROTA_OK;
}

enum rota_err rota_flash_sim_stick(struct rota_flash_sim *sim, uint32_t off, uint8_t mask, bool one)
{
	if (off >= sim->size)
		return ROTA_ERR_ARGUMENT;
	if (sim->stuck_count == ROTA_FLASH_SIM_STUCK)
		return ROTA_ERR_FULL;
	sim->stuck[sim->stuck_count++] = (struct rota_flash_sim_stuck){
		.off = off,
		.mask = mask,
		.value = one ? mask : 0,
	};
	return ROTA_OK;
}

uint32_t rota_flash_sim_erases(const struct rota_flash_sim *sim, uint32_t off)
{
	return rota_flash_sim_sector_of(sim, off)->erases;
}

uint32_t rota_flash_sim_wear(const struct rota_flash_sim *sim)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < sim->sector_count; i++) {
		if (sim->sectors[i].erases > most)
			most = sim->sectors[i].erases;
	}
	return most;
}

/* ---- images ---- */

static enum rota_err make_image(
	const struct rota_flash_sim *sim, struct rota_flash_sim_image *image)
{
	ROTA_TRY(rota_sim_cells_init(&image->cells, sim->cells.count, sim->chip.erased));
	ROTA_TRY(rota_sim_cells_init(&image->synced, sim->cells.count, sim->chip.erased));
	image->sectors = malloc(sim->sector_count * sizeof(*sim->sectors));
	return image->sectors == NULL ? ROTA_ERR_FULL : ROTA_OK;
}

enum rota_err rota_flash_sim_save(struct rota_flash_sim *sim, struct rota_flash_sim_image *image)
{
	enum rota_err err = rota_flash_sim_settle(sim);

	if (image->sectors != NULL && image->cells.count != sim->cells.count)
		return ROTA_ERR_ARGUMENT;
	if (err == ROTA_OK && image->sectors == NULL)
		err = make_image(sim, image);
	if (err != ROTA_OK) {
		rota_flash_sim_image_free(image);
		return err;
	}
	memcpy(image->sectors, sim->sectors, sim->sector_count * sizeof(*sim->sectors));
	rota_sim_cells_copy(&image->cells, &sim->cells);
	rota_sim_cells_copy(&image->synced, &sim->synced);
	return ROTA_OK;
}

void rota_flash_sim_restore(struct rota_flash_sim *sim, const struct rota_flash_sim_image *image)
{
	sim->cuts = sim->supply->cuts; /* nothing is left for an earlier cut to take */
	memcpy(sim->sectors, image->sectors, sim->sector_count * sizeof(*sim->sectors));
	rota_sim_cells_copy(&sim->cells, &image->cells);
	rota_sim_cells_copy(&sim->synced, &image->synced);
}

void rota_flash_sim_image_free(struct rota_flash_sim_image *image)
{
	rota_sim_cells_free(&image->cells);
	rota_sim_cells_free(&image->synced);
	free(image->sectors);
	image->sectors = NULL;
}
