/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-fleet/sleeper.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#include <stdlib.h>
#include <string.h>

enum { BLANK, PLAIN, ODD }; /* pages */

static uint32_t units_of(const struct rota_flash_sim *chip)
{
	return ROTA_SIM_PAGE_LEN / chip->chip.write_len;
}

/* ---- packing ---- */

/* Which units are programmed, a bit each, and their bytes. */
static void pack_plain(
	const struct rota_flash_sim *chip, const struct rota_sim_page *page, struct rota_writer *w)
{
	uint32_t len = chip->chip.write_len, units = units_of(chip);

	for (uint32_t u = 0; u < units; u += 8) {
		uint8_t bits = 0;

		for (uint32_t i = u; i < u + 8 && i < units; i++)
			bits |= (uint8_t)((page->marks[i] & ROTA_SIM_PROGRAMMED) << (i - u));
		rota_write_u8(w, bits);
	}
	for (uint32_t u = 0; u < units; u++)
		if (page->marks[u] & ROTA_SIM_PROGRAMMED)
			rota_write_span(w, rota_span(&page->bytes[u * len], len));
}

static void pack_page(
	const struct rota_flash_sim *chip, const struct rota_sim_page *page, struct rota_writer *w)
{
	if (page == NULL) {
		rota_write_u8(w, BLANK);
	} else if (!page->odd) {
		rota_write_u8(w, PLAIN);
		pack_plain(chip, page, w);
	} else {
		rota_write_u8(w, ODD);
		rota_write_span(w, ROTA_SPAN(page->bytes));
		rota_write_span(w, rota_span(page->marks, units_of(chip)));
	}
}

static enum rota_err keep(struct fleet_sleeper *s, struct rota_span packed)
{
	uint8_t *p = malloc(packed.len);

	if (p == NULL)
		return ROTA_ERR_FULL;
	memcpy(p, packed.p, packed.len);
	free(s->p);
	s->p = p;
	s->len = (uint32_t)packed.len;
	return ROTA_OK;
}

enum rota_err fleet_sleeper_pack(
	struct fleet_sleeper *s, struct rota_flash_sim *chip, struct rota_buf room)
{
	struct rota_writer w = rota_writer(room);

	ROTA_TRY(rota_flash_sim_sync(chip));
	for (uint32_t i = 0; i < chip->sector_count; i++) {
		rota_write_le32(&w, chip->sectors[i].erases);
		rota_write_u8(&w, chip->sectors[i].half_steps);
	}
	for (uint32_t i = 0; i < chip->cells.count; i++)
		pack_page(chip, chip->cells.pages[i], &w);
	return w.failed ? ROTA_ERR_LIMIT : keep(s, rota_writer_span(&w));
}

/* ---- and back ---- */

static void unpack_plain(
	const struct rota_flash_sim *chip, struct rota_reader *r, struct rota_sim_page *page)
{
	uint32_t len = chip->chip.write_len, units = units_of(chip);
	struct rota_span bits = rota_read_span(r, (units + 7) / 8);

	for (uint32_t u = 0; u < units && !r->failed; u++) {
		if ((bits.p[u / 8] >> u % 8 & 1) == 0)
			continue;
		page->marks[u] = ROTA_SIM_PROGRAMMED;
		rota_read_bytes(r, rota_buf(&page->bytes[u * len], len));
	}
}

static enum rota_err unpack_page(struct rota_flash_sim *chip, uint32_t i, struct rota_reader *r)
{
	uint8_t kind = rota_read_u8(r);
	struct rota_sim_page *page;

	if (kind == BLANK)
		return ROTA_OK;
	page = rota_sim_cells_own(&chip->cells, i);
	if (page == NULL)
		return ROTA_ERR_FULL;
	if (kind == PLAIN) {
		unpack_plain(chip, r, page);
		return ROTA_OK;
	}
	page->odd = true;
	rota_read_bytes(r, ROTA_BUF(page->bytes));
	rota_read_bytes(r, rota_buf(page->marks, units_of(chip)));
	return ROTA_OK;
}

enum rota_err fleet_sleeper_unpack(const struct fleet_sleeper *s, struct rota_flash_sim *chip)
{
	struct rota_reader r = rota_reader(rota_span(s->p, s->len));

	for (uint32_t i = 0; i < chip->sector_count; i++) {
		chip->sectors[i].erases = rota_read_le32(&r);
		chip->sectors[i].half_steps = rota_read_u8(&r);
	}
	for (uint32_t i = 0; i < chip->cells.count; i++)
		ROTA_TRY(unpack_page(chip, i, &r));
	rota_sim_cells_copy(&chip->synced, &chip->cells);
	return rota_reader_end(&r);
}

void fleet_sleeper_free(struct fleet_sleeper *s)
{
	free(s->p);
	*s = (struct fleet_sleeper){ 0 };
}
