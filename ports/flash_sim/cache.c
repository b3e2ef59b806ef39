/* SPDX-License-Identifier: Apache-2.0 */
/* What stands between a write and the cells. Writes go through at once; what was there at the last sync is
 * kept, and only a cut that loses a cache looks at it, when the chip is next used. */
#include "ports/flash_sim/operate.h"
#include "ports/flash_sim/trace.h"

#include <string.h>

enum rota_err rota_flash_sim_sync(struct rota_flash_sim *sim)
{
	if (sim->supply->off)
		return ROTA_ERR_IO;
	ROTA_TRY(rota_flash_sim_settle(sim));
	if (sim->trace != NULL)
		ROTA_TRY(rota_flash_sim_trace_add(
			sim->trace, ROTA_FLASH_SIM_SYNC, 0, 0, rota_span(NULL, 0)));
	rota_sim_cells_copy(&sim->synced, &sim->cells);
	return ROTA_OK;
}

/* The unit at `at` of a page of ours meets its fate: as it was at the last sync (`old`, or blank), as it is, or
 * between. */
static void lose_unit(struct rota_flash_sim *sim, struct rota_sim_page *page,
	const struct rota_sim_page *old, uint32_t at, uint64_t fate)
{
	uint8_t *mark = &page->marks[at / sim->chip.write_len];
	bool between = fate == 1;

	if (fate > 1)
		return;
	for (uint32_t i = at; i < at + sim->chip.write_len; i++) {
		uint8_t was = old != NULL ? old->bytes[i] : sim->chip.erased;

		page->bytes[i] = between
			? rota_flash_sim_choose(was, page->bytes[i], rota_flash_sim_mask(sim))
			: was;
	}
	if (!between) {
		*mark = old != NULL ? old->marks[at / sim->chip.write_len] : 0;
		return;
	}
	*mark |= ROTA_SIM_PROGRAMMED | ROTA_SIM_TORN;
	page->odd = true;
}

static bool unit_same(const struct rota_flash_sim *sim, const struct rota_sim_page *a,
	const struct rota_sim_page *b, uint32_t at)
{
	if (b == NULL)
		return a->marks[at / sim->chip.write_len] == 0;
	return a->marks[at / sim->chip.write_len] == b->marks[at / sim->chip.write_len] &&
		memcmp(&a->bytes[at], &b->bytes[at], sim->chip.write_len) == 0;
}

/* `all`: nothing of it was kept, as where a cache writes back in order and had not come here. */
static enum rota_err lose_page(struct rota_flash_sim *sim, uint32_t i, bool all)
{
	const struct rota_sim_page *old = sim->synced.pages[i];
	struct rota_sim_page *page;

	if (sim->cells.pages[i] == old)
		return ROTA_OK;
	page = rota_sim_cells_own(&sim->cells, i);
	if (page == NULL)
		return ROTA_ERR_FULL;
	page->odd = page->odd || (old != NULL && old->odd);
	for (uint32_t at = 0; at < ROTA_SIM_PAGE_LEN; at += sim->chip.write_len) {
		if (!unit_same(sim, page, old, at))
			lose_unit(sim, page, old, at,
				all ? 0 : rota_sim_supply_random(sim->supply) % 3);
	}
	return ROTA_OK;
}

enum rota_err rota_flash_sim_settle(struct rota_flash_sim *sim)
{
	uint64_t drawn;
	uint32_t from;

	if (sim->cuts == sim->supply->cuts)
		return ROTA_OK;
	sim->cuts = sim->supply->cuts;
	if (sim->supply->last_cut == ROTA_SIM_CUT_UNSYNCED) {
		drawn = rota_sim_supply_random(sim->supply);
		from = (uint32_t)(drawn >> 1) % sim->cells.count;
		for (uint32_t i = 0; i < sim->cells.count; i++) {
			if ((drawn & 1) == 0)
				ROTA_TRY(lose_page(sim, i, false));
			else if (i >= from)
				ROTA_TRY(lose_page(sim, i, true));
		}
	}
	rota_sim_cells_copy(&sim->synced, &sim->cells);
	return ROTA_OK;
}
