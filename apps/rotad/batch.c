/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/batch.h"
#include "host/registry/identity.h"

#include <string.h>

/* Records that are looked at for one batch: most are reports. */
#define SCAN_MAX 65536

static bool is_in_batch(const struct batch *b, const uint8_t *device)
{
	for (size_t i = 0; i < b->count; i++)
		if (memcmp(b->item[i].device, device, ROTA_DEVICE_ID_LEN) == 0)
			return true;
	return false;
}

static bool same(const struct rota_row *a, const struct rota_row *b)
{
	return a->counter == b->counter && a->flags == b->flags &&
		memcmp(a->agree, b->agree, sizeof(a->agree)) == 0 &&
		memcmp(a->proved, b->proved, sizeof(a->proved)) == 0;
}

/* Whether another row follows from it than the one that is here. */
static bool changes(const struct rota_row *row, const struct rota_statement *s)
{
	struct rota_row next;

	return rota_row_next(row, s, &next) == ROTA_OK && !same(row, &next);
}

/* Who left the fleet gets no row any more, but for the one that says so itself (SPEC 30.1). */
static bool may_have_one(const struct rota_reg_device *d, const struct rota_statement *s)
{
	return rota_reg_lives(d->state) ||
		(d->state == ROTA_REG_DECOMMISSIONED && s->kind == ROTA_STATEMENT_GONE);
}

static enum rota_err look_at(
	struct batch *b, const struct rota_record *record, struct rota_fail *why)
{
	struct batch_item *item = &b->item[b->count];
	struct rota_reg_device d;
	struct rota_statement s;
	struct rota_row row;
	bool known;

	if (rota_statement_decode(record->payload, &s) != ROTA_OK)
		return ROTA_OK;
	ROTA_TRY(rota_identity_find(b->reg, record->device, &d, &known, why));
	if (!known || !may_have_one(&d, &s))
		return ROTA_OK;
	if (rota_row_read(d.row, &row) != ROTA_OK || !changes(&row, &s))
		return ROTA_OK;
	memcpy(item->device, record->device, sizeof(item->device));
	memcpy(item->bytes, d.row, ROTA_ROW_LEN);
	memcpy(item->bytes + ROTA_ROW_LEN, record->payload.p, record->payload.len);
	item->len = ROTA_ROW_LEN + record->payload.len;
	b->count++;
	return ROTA_OK;
}

/* The cursor goes on, and does not come back. */
static void keep(struct batch *b, const struct rota_record *record)
{
	b->kept = *record;
	if (record->payload.len > sizeof(b->kept_bytes))
		b->kept.payload.len = 0; /* none */
	memcpy(b->kept_bytes, record->payload.p, b->kept.payload.len);
	b->kept.payload.p = b->kept_bytes;
}

/* *full: nothing more goes into this batch. */
static enum rota_err next(struct batch *b, bool *full, struct rota_fail *why)
{
	struct rota_ingest_fault fault;
	struct rota_record record;

	if (b->kept.sequence == 0) {
		if (rota_cursor_next(b->cursor, &record, &fault) != ROTA_OK)
			return rota_fail(why, ROTA_ERR_CORRUPT, "journal: %s", fault.what);
		if (record.type != ROTA_RECORD_STATEMENT) {
			b->read = record.sequence;
			return ROTA_OK;
		}
		keep(b, &record);
	}
	*full = is_in_batch(b, b->kept.device);
	if (*full)
		return ROTA_OK;
	ROTA_TRY(look_at(b, &b->kept, why));
	b->read = b->kept.sequence;
	b->kept.sequence = 0;
	return ROTA_OK;
}

enum rota_err batch_gather(struct batch *b, uint64_t end, struct rota_fail *why)
{
	enum rota_err err = ROTA_OK;
	bool full = false;

	for (int i = 0; i < SCAN_MAX && b->read < end && b->count < BATCH_ITEMS_MAX && !full; i++) {
		err = next(b, &full, why);
		if (err != ROTA_OK)
			break;
	}
	/* What is here waits for nobody: the next look fails as well. */
	return b->count > 0 ? ROTA_OK : err;
}

size_t batch_next(const struct batch *b)
{
	return b->most != 0 && b->most < b->count ? b->most : b->count;
}

void batch_made(struct batch *b, size_t n)
{
	b->count -= n;
	memmove(b->item, b->item + n, b->count * sizeof(b->item[0]));
	b->most = b->most < BATCH_ITEMS_MAX / 2 ? 2 * b->most : 0;
}

void batch_busy(struct batch *b, size_t n)
{
	b->most = n > 1 ? n / 2 : 1;
}
