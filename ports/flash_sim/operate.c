/* SPDX-License-Identifier: Apache-2.0 */
/* The method. Pages hold what was programmed last; what a read makes of it is decided while reading, from
 * the sector's half erase, the unit's marks and the stuck bits. So an unstable bit needs no state, and an
 * erase that goes through simply drops the pages. */
#include "ports/flash_sim/operate.h"
#include "ports/flash_sim/trace.h"

#include <string.h>

/* ---- places ---- */

static bool inside(const struct rota_flash_sim *sim, uint32_t off, size_t len)
{
	return off <= sim->size && len <= sim->size - off;
}

struct rota_flash_sim_sector *rota_flash_sim_sector_of(
	const struct rota_flash_sim *sim, uint32_t off)
{
	uint32_t low = 0, high = sim->sector_count;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (sim->sectors[mid].at <= off)
			low = mid;
		else
			high = mid;
	}
	return &sim->sectors[low];
}

static uint32_t mark_at(const struct rota_flash_sim *sim, uint32_t off)
{
	return off % ROTA_SIM_PAGE_LEN / sim->chip.write_len;
}

static bool all_erased(const struct rota_flash_sim *sim, const uint8_t *bytes, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		if (bytes[i] != sim->chip.erased)
			return false;
	}
	return true;
}

/* ---- reading ---- */

/* Each bit old or erased, the likelier erased the further the erase had come. */
static void blur(struct rota_flash_sim *sim, const struct rota_flash_sim_sector *s, uint8_t *bytes)
{
	uint32_t all = 2U * sim->chip.erase_steps;

	for (uint32_t i = 0; i < sim->chip.write_len; i++) {
		uint64_t drawn = rota_sim_supply_random(sim->supply);
		uint8_t mask = 0;

		for (unsigned bit = 0; bit < 8; bit++) {
			if ((drawn >> (8 * bit) & 0xFF) * all < 256U * s->half_steps)
				mask |= (uint8_t)(1U << bit);
		}
		bytes[i] = rota_flash_sim_choose(bytes[i], sim->chip.erased, mask);
	}
}

/* The same where ECC stands between: the whole unit as it was, or erased, or neither. */
static enum rota_err blur_checked(struct rota_flash_sim *sim, uint8_t *bytes)
{
	uint64_t drawn = rota_sim_supply_random(sim->supply) % 3;

	if (drawn == 0)
		return ROTA_ERR_CORRUPT;
	if (drawn == 1)
		memset(bytes, sim->chip.erased, sim->chip.write_len);
	return ROTA_OK;
}

/* Put the stuck bits of the unit at `off` into `bytes`, those that differ; how many did. */
static uint32_t stick(const struct rota_flash_sim *sim, uint32_t off, uint8_t *bytes)
{
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < sim->stuck_count; i++) {
		const struct rota_flash_sim_stuck *k = &sim->stuck[i];
		uint32_t at = k->off - off;

		if (k->off < off || at >= sim->chip.write_len || (bytes[at] & k->mask) == k->value)
			continue;
		bytes[at] ^= k->mask;
		wrong++;
	}
	return wrong;
}

/* The unit at `off` as it reads now. */
static enum rota_err read_unit(struct rota_flash_sim *sim, uint32_t off, uint8_t *bytes)
{
	const struct rota_sim_page *page = sim->cells.pages[off / ROTA_SIM_PAGE_LEN];
	const struct rota_flash_sim_sector *s = rota_flash_sim_sector_of(sim, off);
	uint8_t mark = page != NULL ? page->marks[mark_at(sim, off)] : 0,
		bent[ROTA_FLASH_WRITE_MAX];
	uint32_t wrong = mark & ROTA_SIM_FLIPPED ? 1 : 0;

	if (page != NULL)
		memcpy(bytes, &page->bytes[off % ROTA_SIM_PAGE_LEN], sim->chip.write_len);
	else
		memset(bytes, sim->chip.erased, sim->chip.write_len);
	if (!sim->chip.ecc) {
		if (s->half_steps > 0)
			blur(sim, s, bytes);
		(void)stick(sim, off, bytes);
		return ROTA_OK;
	}
	memcpy(bent, bytes, sim->chip.write_len);
	wrong += stick(sim, off, bent);
	if (mark & ROTA_SIM_TORN || wrong > 1)
		return ROTA_ERR_CORRUPT;
	return s->half_steps > 0 && mark != 0 ? blur_checked(sim, bytes) : ROTA_OK;
}

/* Whether a page reads as its bytes stand. */
static bool plain(const struct rota_flash_sim *sim, uint32_t off)
{
	const struct rota_sim_page *page = sim->cells.pages[off / ROTA_SIM_PAGE_LEN];

	return sim->stuck_count == 0 && (page == NULL || !page->odd) &&
		rota_flash_sim_sector_of(sim, off)->half_steps == 0;
}

static void copy_plain(const struct rota_flash_sim *sim, uint32_t off, uint8_t *to, uint32_t len)
{
	const struct rota_sim_page *page = sim->cells.pages[off / ROTA_SIM_PAGE_LEN];

	if (page != NULL)
		memcpy(to, &page->bytes[off % ROTA_SIM_PAGE_LEN], len);
	else
		memset(to, sim->chip.erased, len);
}

/* [off, off + len), which lies in one page. */
static enum rota_err read_piece(struct rota_flash_sim *sim, uint32_t off, uint8_t *to, uint32_t len)
{
	uint8_t unit[ROTA_FLASH_WRITE_MAX];

	if (plain(sim, off)) {
		copy_plain(sim, off, to, len);
		return ROTA_OK;
	}
	while (len > 0) {
		uint32_t in = off % sim->chip.write_len, n = sim->chip.write_len - in;

		if (n > len)
			n = len;
		ROTA_TRY(read_unit(sim, off - in, unit));
		memcpy(to, &unit[in], n);
		off += n;
		to += n;
		len -= n;
	}
	return ROTA_OK;
}

enum rota_err rota_flash_sim_read(struct rota_flash_sim *sim, uint32_t off, struct rota_buf to)
{
	uint32_t done = 0;

	if (sim->supply->off)
		return ROTA_ERR_IO;
	if (!inside(sim, off, to.len))
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(rota_flash_sim_settle(sim));
	while (done < to.len) {
		uint32_t at = off + done, n = ROTA_SIM_PAGE_LEN - at % ROTA_SIM_PAGE_LEN;

		if (n > to.len - done)
			n = (uint32_t)to.len - done;
		ROTA_TRY(read_piece(sim, at, &to.p[done], n));
		done += n;
	}
	return ROTA_OK;
}

/* ---- writing ---- */

/* ROTA_OK when the unit at `off` takes a program. */
static enum rota_err check_unit(struct rota_flash_sim *sim, uint32_t off)
{
	const struct rota_sim_page *page = sim->cells.pages[off / ROTA_SIM_PAGE_LEN];

	if (page == NULL)
		return ROTA_OK;
	if (!all_erased(sim, &page->bytes[off % ROTA_SIM_PAGE_LEN], sim->chip.write_len)) {
		sim->broken++;
		return sim->chip.once ? ROTA_ERR_ARGUMENT : ROTA_OK;
	}
	if (page->marks[mark_at(sim, off)] == 0)
		return ROTA_OK;
	/* Programmed or begun, and it reads erased: the caller cannot know. */
	return sim->chip.once ? ROTA_ERR_IO : ROTA_OK;
}

/* A cell leaves the erased value and never comes back. */
static uint8_t add(const struct rota_flash_sim *sim, uint8_t cell, uint8_t data)
{
	return sim->chip.erased == 0xFF ? cell & data : cell | data;
}

/* Let the unit at `off` take `data`, whole or torn. */
static enum rota_err program(
	struct rota_flash_sim *sim, uint32_t off, const uint8_t *data, enum rota_sim_fault fault)
{
	struct rota_sim_page *page = rota_sim_cells_own(&sim->cells, off / ROTA_SIM_PAGE_LEN);
	bool torn = rota_sim_supply_torn(fault);
	uint8_t *cell, *mark;

	if (page == NULL)
		return ROTA_ERR_FULL;
	cell = &page->bytes[off % ROTA_SIM_PAGE_LEN];
	mark = &page->marks[mark_at(sim, off)];
	*mark |= ROTA_SIM_PROGRAMMED;
	if (fault == ROTA_SIM_CUT_WEAK) {
		*mark |= ROTA_SIM_WEAK;
		return ROTA_OK;
	}
	for (uint32_t i = 0; i < sim->chip.write_len; i++) {
		uint8_t whole = add(sim, cell[i], data[i]);

		cell[i] = torn ? rota_flash_sim_choose(cell[i], whole, rota_flash_sim_mask(sim))
			       : whole;
	}
	if (!torn)
		return ROTA_OK;
	*mark |= ROTA_SIM_TORN;
	page->odd = true;
	return ROTA_OK;
}

static enum rota_err write_unit(struct rota_flash_sim *sim, uint32_t off, const uint8_t *data)
{
	struct rota_sim_op op = { .kind = ROTA_SIM_PROGRAM, .part = sim, .at = off };
	enum rota_sim_fault fault;

	ROTA_TRY(check_unit(sim, off));
	op.bytes = rota_span(data, sim->chip.write_len);
	fault = rota_sim_supply_step(sim->supply, &op);
	if (fault != ROTA_SIM_CUT_BEFORE && fault != ROTA_SIM_SILENT)
		ROTA_TRY(program(sim, off, data, fault));
	return rota_sim_supply_told(fault);
}

enum rota_err rota_flash_sim_write(struct rota_flash_sim *sim, uint32_t off, struct rota_span from)
{
	uint32_t unit = sim->chip.write_len;

	if (sim->supply->off)
		return ROTA_ERR_IO;
	if (!inside(sim, off, from.len) || off % unit != 0 || from.len % unit != 0) {
		sim->broken++;
		return ROTA_ERR_ARGUMENT;
	}
	ROTA_TRY(rota_flash_sim_settle(sim));
	if (sim->trace != NULL)
		ROTA_TRY(rota_flash_sim_trace_add(
			sim->trace, ROTA_FLASH_SIM_WRITE, off, (uint32_t)from.len, from));
	for (uint32_t done = 0; done < from.len; done += unit)
		ROTA_TRY(write_unit(sim, off + done, &from.p[done]));
	return ROTA_OK;
}

/* ---- erasing ---- */

/* A half erase that a later one overtakes leaves no trace; one that stops earlier cannot undo it. */
static void half(struct rota_flash_sim_sector *s, unsigned half_steps)
{
	if (half_steps > s->half_steps)
		s->half_steps = (uint8_t)half_steps;
}

static void wipe(struct rota_flash_sim *sim, struct rota_flash_sim_sector *s)
{
	s->half_steps = 0;
	for (uint32_t i = 0; i < s->len / ROTA_SIM_PAGE_LEN; i++)
		rota_sim_cells_wipe(&sim->cells, s->at / ROTA_SIM_PAGE_LEN + i);
}

/* One sub-step; the last one that is done leaves the sector erased. */
static enum rota_err erase_step(
	struct rota_flash_sim *sim, struct rota_flash_sim_sector *s, uint32_t step, bool *silent)
{
	struct rota_sim_op op = { .kind = ROTA_SIM_ERASE, .part = sim, .at = s->at, .step = step };
	enum rota_sim_fault fault = rota_sim_supply_step(sim->supply, &op);

	*silent = fault == ROTA_SIM_SILENT;
	if (fault == ROTA_SIM_CUT_BEFORE || *silent)
		return rota_sim_supply_told(fault);
	if (fault == ROTA_SIM_CUT_WEAK || rota_sim_supply_torn(fault))
		half(s, 2 * step - 1);
	else if (step < sim->chip.erase_steps)
		half(s, 2 * step);
	else
		wipe(sim, s);
	return rota_sim_supply_told(fault);
}

static enum rota_err erase_sector(struct rota_flash_sim *sim, struct rota_flash_sim_sector *s)
{
	bool silent = false;

	s->erases++;
	if (sim->chip.erase_limit > 0 && s->erases > sim->chip.erase_limit) {
		half(s, 1);
		return ROTA_ERR_IO;
	}
	for (uint32_t step = 1; step <= sim->chip.erase_steps && !silent; step++)
		ROTA_TRY(erase_step(sim, s, step, &silent));
	return ROTA_OK;
}

enum rota_err rota_flash_sim_erase(struct rota_flash_sim *sim, uint32_t off, uint32_t len)
{
	uint32_t end = off + len;

	if (sim->supply->off)
		return ROTA_ERR_IO;
	if (len == 0 || !inside(sim, off, len) || rota_flash_sim_sector_of(sim, off)->at != off ||
		(end < sim->size && rota_flash_sim_sector_of(sim, end)->at != end)) {
		sim->broken++;
		return ROTA_ERR_ARGUMENT;
	}
	ROTA_TRY(rota_flash_sim_settle(sim));
	if (sim->trace != NULL)
		ROTA_TRY(rota_flash_sim_trace_add(
			sim->trace, ROTA_FLASH_SIM_ERASE, off, len, rota_span(NULL, 0)));
	while (off < end) {
		struct rota_flash_sim_sector *s = rota_flash_sim_sector_of(sim, off);

		ROTA_TRY(erase_sector(sim, s));
		off += s->len;
	}
	return ROTA_OK;
}

enum rota_err rota_flash_sim_redo(struct rota_flash_sim *sim, const struct rota_sim_op *op)
{
	bool silent;

	if (op->kind == ROTA_SIM_PROGRAM)
		return rota_flash_sim_write(sim, op->at, op->bytes);
	if (op->kind != ROTA_SIM_ERASE || op->at >= sim->size)
		return ROTA_ERR_ARGUMENT;
	return erase_step(sim, rota_flash_sim_sector_of(sim, op->at), op->step, &silent);
}
