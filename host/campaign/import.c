/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/import.h"
#include "host/base/digest.h"
#include "host/base/file.h"

#include <string.h>

struct taking {
	const struct rota_import_plan *plan;
	struct rota_draft draft;
	struct rota_sha256 hash;
	struct rota_export head;
	uint8_t last[ROTA_SHA256_LEN]; /* id of the row before */
	uint8_t held[ROTA_ROW_LEN]; /* of the head or the row at hand */
	size_t held_len;
	bool has_head;
	uint32_t rows;
};

static enum rota_err take_head(struct taking *t, struct rota_fail *why)
{
	const struct rota_import_plan *plan = t->plan;
	enum rota_err err = rota_export_decode(t->held, &t->head);

	if (err != ROTA_OK)
		return rota_fail(why, err, "%s is no export of the registry", plan->from);
	if (memcmp(t->head.product, plan->product, sizeof(plan->product)) != 0)
		return rota_fail(why, ROTA_ERR_PRODUCT, "%s is of another product", plan->from);
	if (t->head.count > plan->most)
		return rota_fail(why, ROTA_ERR_CEILING, "%s has %u devices, and %u were approved",
			plan->from, (unsigned)t->head.count, (unsigned)plan->most);
	t->has_head = true;
	return ROTA_OK;
}

static enum rota_err take_row(struct taking *t, struct rota_fail *why)
{
	const struct rota_import_plan *plan = t->plan;
	struct rota_row row;
	enum rota_err err;

	if (t->rows == t->head.count)
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: more than its %u rows", plan->from,
			(unsigned)t->head.count);
	err = rota_row_decode(t->held, plan->crypto, plan->registry, &row);
	if (err == ROTA_ERR_SIGNATURE)
		return rota_fail(why, err,
			"%s: row %u was not made by the registry (SPEC 30.2); take no bundle from "
			"this export, and find out who altered it",
			plan->from, (unsigned)t->rows);
	if (err == ROTA_OK)
		err = rota_export_take(&t->head, &row, t->rows == 0, t->last);
	if (err != ROTA_OK)
		return rota_fail(why, err, "%s: row %u is none, or out of order", plan->from,
			(unsigned)t->rows);
	t->rows++;
	return ROTA_OK;
}

static enum rota_err take(void *ctx, struct rota_span piece, struct rota_fail *why)
{
	struct taking *t = ctx;

	while (piece.len > 0) {
		size_t whole = t->has_head ? ROTA_ROW_LEN : ROTA_EXPORT_HEAD_LEN;
		size_t part = whole - t->held_len < piece.len ? whole - t->held_len : piece.len;

		memcpy(t->held + t->held_len, piece.p, part);
		piece = rota_span_skip(piece, part);
		t->held_len += part;
		if (t->held_len < whole)
			return ROTA_OK;
		t->held_len = 0;
		ROTA_TRY((t->has_head ? take_row : take_head)(t, why));
	}
	return ROTA_OK;
}

/* What rota_feed_file() calls, which hands no `why` on. */
struct feeding {
	struct taking *t;
	struct rota_fail *why;
};

static enum rota_err feed(void *ctx, struct rota_span piece)
{
	struct feeding *f = ctx;

	f->t->plan->crypto->sha256_update(&f->t->hash, piece);
	ROTA_TRY(take(f->t, piece, f->why));
	return rota_draft_write(&f->t->draft, piece, f->why);
}

static enum rota_err judge(struct taking *t, struct rota_fail *why)
{
	const struct rota_import_plan *plan = t->plan;
	uint8_t sha256[ROTA_SHA256_LEN];

	plan->crypto->sha256_final(&t->hash, sha256);
	if (!t->has_head || t->held_len > 0 || t->rows != t->head.count)
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: cut short", plan->from);
	if (plan->sha256 && memcmp(sha256, plan->sha256, sizeof(sha256)) != 0)
		return rota_fail(why, ROTA_ERR_HASH, "%s is not the export that the request names",
			plan->from);
	return ROTA_OK;
}

enum rota_err rota_import(
	const struct rota_import_plan *plan, uint32_t *rows, struct rota_fail *why)
{
	struct taking t = { .plan = plan };
	struct feeding f = { &t, why };
	char dir[ROTA_FILE_PATH_MAX];
	const char *slash = strrchr(plan->to, '/');
	enum rota_err err;

	*rows = 0;
	if (!slash || (size_t)(slash - plan->to) >= sizeof(dir))
		return rota_fail(why, ROTA_ERR_ARGUMENT, "%s has no folder", plan->to);
	memcpy(dir, plan->to, (size_t)(slash - plan->to));
	dir[slash - plan->to] = 0;
	plan->crypto->sha256_init(&t.hash);
	ROTA_TRY(rota_draft_open(&t.draft, dir, 0600, why));
	err = rota_feed_file(plan->from, plan->progress, &f, feed, why);
	if (err == ROTA_OK)
		err = judge(&t, why);
	if (err == ROTA_OK)
		err = rota_draft_commit(&t.draft, plan->to, why);
	rota_draft_drop(&t.draft);
	if (err == ROTA_OK)
		*rows = t.rows;
	return err;
}
