/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/index.h"
#include "host/campaign/crew.h"
#include "host/sign/p256.h"
#include "rota/base/mem.h"
#include "rota/trust/tag.h"

#include <stdlib.h>
#include <string.h>

/* Rows that a thread takes at once: 256 KiB. */
#define UNIT 1024

const char *const rota_index_skip_word[ROTA_INDEX_SKIPS] = {
	[ROTA_INDEX_TAKEN] = "taken",
	[ROTA_INDEX_GONE] = "gone",
	[ROTA_INDEX_STALE] = "stale",
	[ROTA_INDEX_HAS] = "has",
	[ROTA_INDEX_LATER] = "later",
	[ROTA_INDEX_MUTE] = "mute",
	[ROTA_INDEX_SEALED] = "sealed",
};

/* SPEC 33.2. */
static void locator_of(const struct rota_index_plan *plan, const struct rota_row *row,
	uint8_t out[static ROTA_KEYBUNDLE_LOCATOR_LEN])
{
	uint8_t spki[ROTA_P256_SPKI_LEN];

	rota_p256_spki(row->identity, spki);
	rota_tag(plan->crypto, rota_span(plan->campaign, 32), ROTA_SPAN(spki), out);
}

/* ---- rows of the export ---- */

static uint64_t row_at(uint32_t n)
{
	return ROTA_EXPORT_HEAD_LEN + (uint64_t)n * ROTA_ROW_LEN;
}

static enum rota_err judge_row(const struct rota_index_plan *plan, uint32_t n,
	const uint8_t bytes[static ROTA_ROW_LEN], struct rota_row *out, struct rota_fail *why)
{
	enum rota_err err = rota_row_decode(bytes, plan->crypto, plan->registry, out);

	if (err == ROTA_ERR_SIGNATURE)
		return rota_fail(why, err,
			"%s: row %u was not made by the registry (SPEC 30.2); take no bundle "
			"from this export, and find out who altered it",
			plan->export_path, (unsigned)n);
	if (err != ROTA_OK)
		return rota_fail(why, err, "%s: row %u is none", plan->export_path, (unsigned)n);
	return ROTA_OK;
}

static enum rota_err read_row(
	const struct rota_index_plan *plan, uint32_t n, struct rota_row *out, struct rota_fail *why)
{
	uint8_t bytes[ROTA_ROW_LEN];

	ROTA_TRY(rota_part_pread(
		plan->export_fd, row_at(n), ROTA_BUF(bytes), plan->export_path, why));
	return judge_row(plan, n, bytes, out, why);
}

/* ---- a book that is read along with the export, both ascending ---- */

struct cursor {
	struct rota_book book;
	struct rota_book_ahead ahead;
	struct rota_book_row row; /* number n, if `here` */
	uint32_t n;
	bool here;
};

/* Up to the first row that is not below this device. */
static enum rota_err advance(
	struct cursor *c, const uint8_t device[static ROTA_DEVICE_LEN], struct rota_fail *why)
{
	for (; c->n < c->book.rows; c->n++, c->here = false) {
		if (!c->here)
			ROTA_TRY(rota_book_ahead_read(&c->ahead, &c->book, c->n, &c->row, why));
		c->here = true;
		if (memcmp(c->row.device, device, ROTA_DEVICE_LEN) >= 0)
			return ROTA_OK;
	}
	c->here = false;
	return ROTA_OK;
}

static const struct rota_book_row *found(
	const struct cursor *c, const uint8_t device[static ROTA_DEVICE_LEN])
{
	return c->here && memcmp(c->row.device, device, ROTA_DEVICE_LEN) == 0 ? &c->row : NULL;
}

/* ---- first pass: who takes part ---- */

struct pass {
	const struct rota_index_plan *plan;
	struct rota_index_entry *entries; /* one a row */
	uint8_t *skip; /* one a row */
};

struct reader {
	struct cursor own, factory;
	uint8_t rows[UNIT * ROTA_ROW_LEN];
};

/* What a row and the books say. */
static enum rota_index_skip judge_device(const struct rota_index_plan *plan,
	const struct rota_row *row, const struct rota_book_row *own,
	const struct rota_book_row *factory)
{
	uint32_t proved = row->proved[plan->purpose - 1];

	if (row->flags & ROTA_ROW_GONE)
		return ROTA_INDEX_GONE;
	if ((own && row->counter < own->counter) || (factory && row->counter < factory->counter))
		return ROTA_INDEX_STALE;
	if (proved >= plan->generation)
		return ROTA_INDEX_HAS;
	if (own && own->delivered > plan->generation)
		return ROTA_INDEX_LATER;
	if (proved > 0 && !rota_book_psk(own, factory, proved, plan->emergency))
		return ROTA_INDEX_MUTE;
	return ROTA_INDEX_TAKEN;
}

/* Whether a bundle is for this agree key, and under this psk (NULL: base mode): another one would open no better. */
static bool is_for(const struct rota_index_plan *plan, const struct rota_row *row,
	const uint8_t *psk, const uint8_t bundle[static ROTA_KEYBUNDLE_LEN])
{
	uint8_t agree_id[ROTA_KEY_ID_LEN], psk_id[ROTA_KEY_ID_LEN] = { 0 };
	struct rota_keybundle b;

	if (psk)
		rota_psk_id(plan->crypto, psk, psk_id);
	rota_agree_id(plan->crypto, row->agree, agree_id);
	return rota_keybundle_decode(rota_span(bundle, ROTA_KEYBUNDLE_LEN), &b) == ROTA_OK &&
		b.mode == (psk ? ROTA_KEYBUNDLE_PSK : ROTA_KEYBUNDLE_BASE) &&
		rota_span_eq(b.agree_id, ROTA_SPAN(agree_id)) &&
		rota_span_eq(b.psk_id, ROTA_SPAN(psk_id));
}

/* All of it. earlier->tree: where its secret is, if it has one. */
static enum rota_err judge(const struct rota_index_plan *plan, const struct rota_row *row,
	const uint8_t locator[static ROTA_KEYBUNDLE_LOCATOR_LEN], const struct rota_book_row *own,
	const struct rota_book_row *factory, struct rota_earlier_place *earlier,
	enum rota_index_skip *out, struct rota_fail *why)
{
	const uint8_t *psk;

	earlier->tree = NULL;
	*out = judge_device(plan, row, own, factory);
	if (*out != ROTA_INDEX_TAKEN)
		return ROTA_OK;
	ROTA_TRY(rota_earlier_find(plan->earlier, locator, earlier, why));
	psk = rota_book_psk(own, factory, row->proved[plan->purpose - 1], plan->emergency);
	if (earlier->tree && is_for(plan, row, psk, earlier->bundle))
		*out = ROTA_INDEX_SEALED;
	return ROTA_OK;
}

static enum rota_err enter(const struct pass *p, struct reader *r, uint32_t n,
	const struct rota_row *row, struct rota_fail *why)
{
	struct rota_index_entry *e = &p->entries[n];
	const struct rota_book_row *own, *factory;
	struct rota_earlier_place earlier;
	enum rota_index_skip skip;

	ROTA_TRY(advance(&r->own, row->device, why));
	ROTA_TRY(advance(&r->factory, row->device, why));
	own = found(&r->own, row->device);
	factory = found(&r->factory, row->device);
	locator_of(p->plan, row, e->locator);
	e->row = n;
	e->own = own ? r->own.n : ROTA_INDEX_NONE;
	e->factory = factory ? r->factory.n : ROTA_INDEX_NONE;
	ROTA_TRY(judge(p->plan, row, e->locator, own, factory, &earlier, &skip, why));
	p->skip[n] = (uint8_t)skip;
	return ROTA_OK;
}

/* Where a unit begins, the row before it and both books are looked up. */
static enum rota_err begin_unit(const struct pass *p, struct reader *r, uint32_t first,
	const uint8_t *device, uint8_t last[static 32], struct rota_fail *why)
{
	struct rota_row before;

	if (first > 0) {
		ROTA_TRY(read_row(p->plan, first - 1, &before, why));
		memcpy(last, before.device, 32);
	}
	r->own.here = r->factory.here = false;
	ROTA_TRY(rota_book_seek(&r->own.book, device, &r->own.n, why));
	return rota_book_seek(&r->factory.book, device, &r->factory.n, why);
}

static enum rota_err read_unit(
	const struct pass *p, struct reader *r, uint32_t unit, struct rota_fail *why)
{
	uint32_t first = unit * UNIT, left = p->plan->head->count - first;
	uint32_t count = left < UNIT ? left : UNIT;
	uint8_t last[32] = { 0 };

	ROTA_TRY(rota_part_pread(p->plan->export_fd, row_at(first),
		rota_buf(r->rows, (size_t)count * ROTA_ROW_LEN), p->plan->export_path, why));
	for (uint32_t i = 0; i < count; i++) {
		struct rota_row row;
		enum rota_err err;

		ROTA_TRY(judge_row(p->plan, first + i, r->rows + i * ROTA_ROW_LEN, &row, why));
		if (i == 0)
			ROTA_TRY(begin_unit(p, r, first, row.device, last, why));
		err = rota_export_take(p->plan->head, &row, first + i == 0, last);
		if (err != ROTA_OK)
			return rota_fail(why, err,
				err == ROTA_ERR_PRODUCT
					? "%s: row %u is of another product"
					: "%s: row %u is there twice, or out of order (SPEC 30.3)",
				p->plan->export_path, (unsigned)(first + i));
		ROTA_TRY(enter(p, r, first + i, &row, why));
	}
	return ROTA_OK;
}

static enum rota_err open_books(
	const struct rota_index_plan *plan, struct reader *r, struct rota_fail *why)
{
	enum rota_err err;

	ROTA_TRY(rota_book_open(&r->own.book, plan->own_book, plan->purpose, plan->books, why));
	err = rota_book_open(
		&r->factory.book, plan->factory_book, ROTA_BOOK_FACTORY, plan->books, why);
	if (err != ROTA_OK)
		rota_book_close(&r->own.book);
	return err;
}

static enum rota_err work(void *ctx, struct rota_crew *crew, struct rota_fail *why)
{
	const struct pass *p = ctx;
	struct reader *r = calloc(1, sizeof(*r));
	enum rota_err err;
	uint32_t unit;

	if (!r)
		abort();
	err = open_books(p->plan, r, why);
	if (err == ROTA_OK) {
		while (err == ROTA_OK && rota_crew_take(crew, &unit))
			err = read_unit(p, r, unit, why);
		rota_book_close(&r->own.book);
		rota_book_close(&r->factory.book);
	}
	rota_wipe(r, sizeof(*r));
	free(r);
	return err;
}

/* ---- then in order ---- */

/* Those that are taken, one behind the other; the others are told. */
static enum rota_err compact(const struct pass *p, struct rota_index *out, struct rota_fail *why)
{
	const struct rota_index_plan *plan = p->plan;

	for (uint32_t n = 0; n < plan->head->count; n++) {
		struct rota_row row;

		out->skipped[p->skip[n]]++;
		if (p->skip[n] == ROTA_INDEX_TAKEN) {
			p->entries[out->size++] = p->entries[n];
			continue;
		}
		if (!plan->skip)
			continue;
		ROTA_TRY(read_row(plan, n, &row, why));
		plan->skip(plan->skip_ctx, row.device, p->skip[n]);
	}
	out->skipped[ROTA_INDEX_TAKEN] = 0;
	return ROTA_OK;
}

static int by_locator(const void *a, const void *b)
{
	const struct rota_index_entry *x = a, *y = b;

	return memcmp(x->locator, y->locator, sizeof(x->locator));
}

static enum rota_err order(
	const struct rota_index_plan *plan, struct rota_index *index, struct rota_fail *why)
{
	struct rota_sha256 h;

	qsort(index->entries, index->size, sizeof(index->entries[0]), by_locator);
	plan->crypto->sha256_init(&h);
	for (uint32_t i = 0; i < index->size; i++) {
		const struct rota_index_entry *e = &index->entries[i];

		if (i > 0 && by_locator(e - 1, e) == 0)
			return rota_fail(why, ROTA_ERR_FORMAT,
				"%s: rows %u and %u are two devices of one identity key",
				plan->export_path, (unsigned)(e - 1)->row, (unsigned)e->row);
		plan->crypto->sha256_update(&h, ROTA_SPAN(e->locator));
		plan->crypto->sha256_update(&h, rota_span(&e->row, sizeof(e->row)));
	}
	plan->crypto->sha256_final(&h, index->digest);
	return ROTA_OK;
}

enum rota_err rota_index_build(
	const struct rota_index_plan *plan, struct rota_index *out, struct rota_fail *why)
{
	const uint32_t count = plan->head->count;
	struct pass p = { .plan = plan };
	enum rota_err err;

	memset(out, 0, sizeof(*out));
	p.entries = calloc((size_t)count + 1, sizeof(p.entries[0]));
	p.skip = calloc((size_t)count + 1, 1);
	if (!p.entries || !p.skip)
		abort();
	out->entries = p.entries;
	err = rota_crew_run(plan->threads, count / UNIT + (count % UNIT != 0), work, &p, why);
	if (err == ROTA_OK)
		err = compact(&p, out, why);
	if (err == ROTA_OK && out->size == 0)
		err = rota_fail(why, ROTA_ERR_NOT_FOUND, "%s: none of its %u devices takes part",
			plan->export_path, (unsigned)count);
	if (err == ROTA_OK)
		err = order(plan, out, why);
	free(p.skip);
	if (err != ROTA_OK)
		rota_index_free(out);
	return err;
}

void rota_index_free(struct rota_index *index)
{
	free(index->entries);
	*index = (struct rota_index){ 0 };
}

/* ---- and again, one at a time ---- */

static enum rota_err changed(
	const struct rota_index_plan *plan, uint32_t row, struct rota_fail *why)
{
	return rota_fail(why, ROTA_ERR_CORRUPT,
		"%s: row %u, or the book of psks, changed while it was read", plan->export_path,
		(unsigned)row);
}

/* Row n of a book, if there is one, which is this device's. */
static enum rota_err look_up(const struct rota_book *book, uint32_t n,
	const uint8_t device[static 32], struct rota_book_row *out, bool *is_its,
	struct rota_fail *why)
{
	*is_its = false;
	if (n == ROTA_INDEX_NONE)
		return ROTA_OK;
	ROTA_TRY(rota_book_read(book, n, out, why));
	*is_its = memcmp(out->device, device, sizeof(out->device)) == 0;
	return ROTA_OK;
}

static enum rota_err look(const struct rota_index_plan *plan, const struct rota_index_entry *entry,
	const struct rota_book *own, const struct rota_book *factory, struct rota_index_device *out,
	struct rota_book_row *left, struct rota_fail *why)
{
	uint8_t locator[ROTA_KEYBUNDLE_LOCATOR_LEN];
	const struct rota_book_row *has = NULL;
	enum rota_index_skip skip;
	const uint8_t *psk;
	bool has_left;

	ROTA_TRY(read_row(plan, entry->row, &out->row, why));
	locator_of(plan, &out->row, locator);
	ROTA_TRY(look_up(own, entry->own, out->row.device, &out->own, &out->has_own, why));
	if (memcmp(locator, entry->locator, sizeof(locator)) != 0 ||
		out->has_own != (entry->own != ROTA_INDEX_NONE))
		return changed(plan, entry->row, why);
	if (!factory)
		return ROTA_OK;
	ROTA_TRY(look_up(factory, entry->factory, out->row.device, left, &has_left, why));
	has = out->has_own ? &out->own : NULL;
	left = has_left ? left : NULL;
	ROTA_TRY(judge(plan, &out->row, locator, has, left, &out->earlier, &skip, why));
	if (has_left != (entry->factory != ROTA_INDEX_NONE) || skip != ROTA_INDEX_TAKEN)
		return changed(plan, entry->row, why);
	psk = rota_book_psk(has, left, out->row.proved[plan->purpose - 1], plan->emergency);
	out->has_psk = psk != NULL;
	if (psk)
		memcpy(out->psk, psk, sizeof(out->psk));
	return ROTA_OK;
}

enum rota_err rota_index_look(const struct rota_index_plan *plan,
	const struct rota_index_entry *entry, const struct rota_book *own,
	const struct rota_book *factory, struct rota_index_device *out, struct rota_fail *why)
{
	struct rota_book_row left = { 0 };
	enum rota_err err;

	memset(out, 0, sizeof(*out));
	err = look(plan, entry, own, factory, out, &left, why);
	rota_wipe(&left, sizeof(left));
	if (err != ROTA_OK)
		rota_wipe(out, sizeof(*out));
	return err;
}
