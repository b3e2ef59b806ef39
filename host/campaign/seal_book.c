/* SPDX-License-Identifier: Apache-2.0 */
/* The next book: the rows of the last one and those of all who got a bundle, merged by device id. Its rows have fixed places, so
 * threads share it out: where in both books each unit of the export begins is found first. */
#include "host/campaign/seal_parts.h"
#include "rota/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Rows of the export of one unit: a thread's share of work. */
#define UNIT 1024

/* Where a unit begins. */
struct bound {
	uint32_t
		own; /* row of the book as it is: the first that is not below the unit's first device */
	uint32_t to; /* and of the new one */
};

struct seal_book {
	struct sealing *s;
	struct rota_book_maker maker;
	uint32_t *index; /* by_row() */
	uint32_t units;
	struct bound *bounds; /* one more than units: where all ends */
};

struct merge {
	const struct sealing *s;
	struct rota_book own; /* as it is */
	struct rota_book_range to;
	uint32_t kept; /* rows of `own` that are in the new book, or replaced in it */
};

/* The tree's index of each row of the export, ROTA_INDEX_NONE where it is not in the tree: the export is in the order of
 * device ids, the tree is not. */
static uint32_t *by_row(const struct sealing *s)
{
	uint32_t *index = malloc(((size_t)s->head.count + 1) * sizeof(*index));

	if (!index)
		abort();
	for (uint32_t n = 0; n < s->head.count; n++)
		index[n] = ROTA_INDEX_NONE;
	for (uint32_t i = 0; i < s->index.size; i++)
		index[s->index.entries[i].row] = i;
	return index;
}

/* Rows of the book as it is, up to number `end`. */
static enum rota_err keep(struct merge *m, uint32_t end, struct rota_fail *why)
{
	while (m->kept < end) {
		struct rota_book_row row;
		enum rota_err err;

		ROTA_TRY(rota_book_read(&m->own, m->kept++, &row, why));
		err = rota_book_range_add(&m->to, &row, why);
		rota_wipe(&row, sizeof(row));
		ROTA_TRY(err);
	}
	return ROTA_OK;
}

/* Rows in front of a device that has none in the book. */
static enum rota_err keep_below(
	struct merge *m, const uint8_t device[static ROTA_DEVICE_LEN], struct rota_fail *why)
{
	while (m->kept < m->own.rows) {
		struct rota_book_row row;
		enum rota_err err = ROTA_OK;
		bool below;

		ROTA_TRY(rota_book_read(&m->own, m->kept, &row, why));
		below = memcmp(row.device, device, sizeof(row.device)) < 0;
		if (below)
			err = rota_book_range_add(&m->to, &row, why);
		rota_wipe(&row, sizeof(row));
		ROTA_TRY(err);
		if (!below)
			return ROTA_OK;
		m->kept++;
	}
	return ROTA_OK;
}

/* What the book had of a device, which is where the index says. */
static enum rota_err read_own(const struct merge *m, const struct rota_index_entry *e,
	const struct seal_known *k, struct rota_book_row *out, struct rota_fail *why)
{
	ROTA_TRY(rota_book_read(&m->own, e->own, out, why));
	if (e->own >= m->kept && memcmp(out->device, k->device, sizeof(out->device)) == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_CORRUPT, "%s: row %u changed while it was read", m->own.path,
		(unsigned)e->own);
}

static enum rota_err enter(struct merge *m, uint32_t index, struct rota_fail *why)
{
	const struct sealing *s = m->s;
	const struct rota_index_entry *e = &s->index.entries[index];
	const struct seal_known *k = &s->known[index];
	bool has_own = e->own != ROTA_INDEX_NONE;
	struct rota_book_row own = { 0 }, next;
	enum rota_err err;

	if (has_own)
		ROTA_TRY(read_own(m, e, k, &own, why));
	rota_book_next(has_own ? &own : NULL, k->proved, s->plan->generation, s->psk[index], &next);
	memcpy(next.device, k->device, sizeof(next.device));
	next.counter = k->counter;
	if (has_own) {
		err = keep(m, e->own, why);
		m->kept = e->own + 1;
	} else {
		err = keep_below(m, k->device, why);
	}
	if (err == ROTA_OK)
		err = rota_book_range_add(&m->to, &next, why);
	rota_wipe(&own, sizeof(own));
	rota_wipe(&next, sizeof(next));
	return err;
}

/* ---- where units begin ---- */

static enum rota_err device_of(
	const struct sealing *s, uint32_t n, struct rota_row *row, struct rota_fail *why)
{
	const struct rota_seal_plan *plan = s->plan;
	uint8_t bytes[ROTA_ROW_LEN];
	enum rota_err err;

	ROTA_TRY(rota_part_pread(s->look.export_fd,
		ROTA_EXPORT_HEAD_LEN + (uint64_t)n * ROTA_ROW_LEN, ROTA_BUF(bytes),
		plan->export_path, why));
	err = rota_row_decode(bytes, plan->crypto, plan->registry, row);
	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail(
		why, err, "%s: row %u changed while it was read", plan->export_path, (unsigned)n);
}

/* The new book has the rows of the old one and those of devices that had none. */
static enum rota_err find_bounds(
	struct seal_book *b, const struct rota_book *own, struct rota_fail *why)
{
	const struct sealing *s = b->s;
	uint32_t fresh = 0;

	for (uint32_t n = 0; n < s->head.count; n++) {
		struct bound *at = &b->bounds[n / UNIT];
		struct rota_row row;

		if (n > 0 && n % UNIT == 0) {
			ROTA_TRY(device_of(s, n, &row, why));
			ROTA_TRY(rota_book_seek(own, row.device, &at->own, why));
			at->to = at->own + fresh;
		}
		fresh += b->index[n] != ROTA_INDEX_NONE &&
			s->index.entries[b->index[n]].own == ROTA_INDEX_NONE;
	}
	b->bounds[b->units] = (struct bound){ own->rows, own->rows + fresh };
	return ROTA_OK;
}

/* ---- a unit ---- */

static enum rota_err merge_unit(
	struct merge *m, const struct seal_book *b, uint32_t unit, struct rota_fail *why)
{
	uint32_t first = unit * UNIT, left = b->s->head.count - first;

	m->kept = b->bounds[unit].own;
	for (uint32_t n = first; n < first + (left < UNIT ? left : UNIT); n++)
		if (b->index[n] != ROTA_INDEX_NONE)
			ROTA_TRY(enter(m, b->index[n], why));
	return keep(m, b->bounds[unit + 1].own, why);
}

static enum rota_err open_and_merge(
	struct merge *m, struct seal_book *b, uint32_t unit, struct rota_fail *why)
{
	const struct sealing *s = b->s;
	enum rota_err err;

	ROTA_TRY(rota_book_open(&m->own, s->own_book, s->plan->purpose, &s->tools, why));
	err = rota_book_range(&m->to, &b->maker, b->bounds[unit].to, b->bounds[unit + 1].to, why);
	if (err == ROTA_OK)
		err = merge_unit(m, b, unit, why);
	if (err == ROTA_OK)
		err = rota_book_range_end(&m->to, &b->maker, why);
	rota_book_range_drop(&m->to);
	rota_book_close(&m->own);
	return err;
}

enum rota_err seal_book_unit(struct seal_book *b, uint32_t unit, struct rota_fail *why)
{
	struct merge *m = calloc(1, sizeof(*m));
	enum rota_err err;

	if (!m)
		abort();
	m->s = b->s;
	err = open_and_merge(m, b, unit, why);
	rota_wipe(m, sizeof(*m));
	free(m);
	return err;
}

/* ---- all of it ---- */

static enum rota_err begin(struct seal_book *b, struct rota_fail *why)
{
	struct sealing *s = b->s;
	struct rota_book own;
	enum rota_err err;

	ROTA_TRY(rota_book_open(&own, s->own_book, s->plan->purpose, &s->tools, why));
	err = find_bounds(b, &own, why);
	rota_book_close(&own);
	ROTA_TRY(err);
	return rota_book_make(&b->maker, s->next_book, s->plan->purpose, b->bounds[b->units].to,
		s->plan->entropy, &s->tools, why);
}

enum rota_err seal_book_begin(struct sealing *s, struct seal_book **out, struct rota_fail *why)
{
	struct seal_book *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	*out = b;
	b->s = s;
	b->maker.part.fd = -1;
	b->units = s->head.count / UNIT + (s->head.count % UNIT != 0);
	b->bounds = calloc((size_t)b->units + 1, sizeof(b->bounds[0]));
	if (!b->bounds)
		abort();
	b->index = by_row(s);
	return begin(b, why);
}

uint32_t seal_book_units(const struct seal_book *b)
{
	return b->units;
}

enum rota_err seal_book_place(struct seal_book *b, struct rota_fail *why)
{
	return rota_book_place(&b->maker, why);
}

void seal_book_end(struct seal_book *b)
{
	rota_book_drop(&b->maker);
	free(b->index);
	free(b->bounds);
	rota_wipe(b, sizeof(*b));
	free(b);
}
