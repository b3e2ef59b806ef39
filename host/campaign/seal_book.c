/* SPDX-License-Identifier: Apache-2.0 */
/* The next book: the rows of the last one and those of all who got a bundle, merged by device id. */
#include "host/campaign/seal_parts.h"
#include "rota/base/mem.h"

#include <stdlib.h>
#include <string.h>

struct merge {
	struct sealing *s;
	struct rota_book own; /* as it is */
	struct rota_book_maker maker;
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
		err = rota_book_add(&m->maker, &row, why);
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
			err = rota_book_add(&m->maker, &row, why);
		rota_wipe(&row, sizeof(row));
		ROTA_TRY(err);
		if (!below)
			return ROTA_OK;
		m->kept++;
	}
	return ROTA_OK;
}

static enum rota_err enter(struct merge *m, uint32_t index, struct rota_fail *why)
{
	const struct sealing *s = m->s;
	const struct rota_index_entry *e = &s->index.entries[index];
	struct rota_index_device d;
	struct rota_book_row next;
	enum rota_err err;

	ROTA_TRY(rota_index_look(&s->look, e, &m->own, NULL, &d, why));
	rota_book_next(d.has_own ? &d.own : NULL, d.row.proved[s->plan->purpose - 1],
		s->plan->generation, s->psk[index], &next);
	memcpy(next.device, d.row.device, sizeof(next.device));
	next.counter = d.row.counter;
	if (d.has_own) {
		err = keep(m, e->own, why);
		m->kept = e->own + 1;
	} else {
		err = keep_below(m, d.row.device, why);
	}
	if (err == ROTA_OK)
		err = rota_book_add(&m->maker, &next, why);
	rota_wipe(&d, sizeof(d));
	rota_wipe(&next, sizeof(next));
	return err;
}

static enum rota_err merge(struct merge *m, struct rota_fail *why)
{
	struct sealing *s = m->s;
	uint32_t *index = by_row(s), rows = m->own.rows;
	enum rota_err err;

	for (uint32_t i = 0; i < s->index.size; i++)
		rows += s->index.entries[i].own == ROTA_INDEX_NONE;
	err = rota_book_make(
		&m->maker, s->next_book, s->plan->purpose, rows, s->plan->entropy, &s->tools, why);
	for (uint32_t n = 0; err == ROTA_OK && n < s->head.count; n++)
		if (index[n] != ROTA_INDEX_NONE)
			err = enter(m, index[n], why);
	if (err == ROTA_OK)
		err = keep(m, m->own.rows, why);
	if (err == ROTA_OK)
		err = rota_book_place(&m->maker, why);
	free(index);
	return err;
}

static enum rota_err open_and_merge(struct merge *m, struct rota_fail *why)
{
	struct sealing *s = m->s;
	enum rota_err err;

	ROTA_TRY(rota_book_open(&m->own, s->own_book, s->plan->purpose, &s->tools, why));
	err = merge(m, why);
	rota_book_drop(&m->maker);
	rota_book_close(&m->own);
	return err;
}

enum rota_err seal_book(struct sealing *s, struct rota_fail *why)
{
	struct merge *m = calloc(1, sizeof(*m));
	enum rota_err err;

	if (!m)
		abort();
	m->s = s;
	m->maker.part.fd = -1;
	err = open_and_merge(m, why);
	rota_wipe(m, sizeof(*m));
	free(m);
	return err;
}
