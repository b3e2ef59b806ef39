/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/export.h"
#include "host/base/digest.h"
#include "host/base/file.h"
#include "host/registry/identity.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFERED 256 /* rows that go to the file at once */

struct making {
	const struct rota_export_plan *plan;
	struct rota_export head;
	struct rota_draft draft;
	struct rota_fail *why;
	uint8_t last[ROTA_SHA256_LEN];
	size_t gathered;
	uint8_t rows[BUFFERED][ROTA_ROW_LEN];
};

static enum rota_err flush(struct making *m)
{
	size_t count = m->gathered;

	m->gathered = 0;
	return rota_draft_write(&m->draft, rota_span(m->rows, count * ROTA_ROW_LEN), m->why);
}

/* Whether bundles are sealed to the device: it is of the fleet, of the product, and meant. */
static bool belongs(const struct making *m, const struct rota_reg_device *d, struct rota_row *row)
{
	return rota_reg_lives(d->state) && rota_row_read(d->row, row) == ROTA_OK &&
		!(row->flags & ROTA_ROW_GONE) &&
		memcmp(row->product, m->head.product, sizeof(row->product)) == 0 &&
		rota_query_matches(m->plan->query, d);
}

static enum rota_err take(void *to, const struct rota_reg_device *d)
{
	struct making *m = to;
	struct rota_row row;
	enum rota_err err;

	if (!belongs(m, d, &row))
		return ROTA_OK;
	err = rota_export_take(&m->head, &row, m->head.count == 0, m->last);
	if (err != ROTA_OK)
		return rota_fail(m->why, err, "device %s: its row is out of order", d->id);
	if (m->head.count == ROTA_EXPORT_ROWS_MAX)
		return rota_fail(m->why, ROTA_ERR_LIMIT,
			"more than %u devices are meant; make two campaigns of them",
			(unsigned)ROTA_EXPORT_ROWS_MAX);
	memcpy(m->rows[m->gathered++], d->row, ROTA_ROW_LEN);
	m->head.count++;
	return m->gathered == BUFFERED ? flush(m) : ROTA_OK;
}

/* The head says how many rows there are, which is known at the end. */
static enum rota_err put_head(const struct making *m)
{
	uint8_t head[ROTA_EXPORT_HEAD_LEN];

	rota_export_encode(&m->head, head);
	if (pwrite(m->draft.fd, head, sizeof(head), 0) == (ssize_t)sizeof(head))
		return ROTA_OK;
	return rota_fail_errno(m->why, errno, "%s", m->plan->path);
}

static enum rota_err fill(const struct rota_regdb *reg, struct making *m)
{
	static const uint8_t room[ROTA_EXPORT_HEAD_LEN];

	ROTA_TRY(rota_draft_write(&m->draft, ROTA_SPAN(room), m->why));
	ROTA_TRY(reg->each(reg->ctx, take, m, m->why));
	ROTA_TRY(flush(m));
	if (m->head.count == 0)
		return rota_fail(m->why, ROTA_ERR_NOT_FOUND,
			"no device of this product is meant; nothing is exported");
	return put_head(m);
}

static enum rota_err make(const struct rota_regdb *reg, struct making *m, struct rota_exported *out)
{
	uint64_t len;

	ROTA_TRY(fill(reg, m));
	ROTA_TRY(rota_digest_file(m->draft.path, NULL, &len, out->sha256, m->why));
	out->count = m->head.count;
	return rota_draft_commit(&m->draft, m->plan->path, m->why);
}

enum rota_err rota_export_write(const struct rota_regdb *reg, const struct rota_export_plan *plan,
	struct rota_exported *out, struct rota_fail *why)
{
	struct making *m = calloc(1, sizeof(*m));
	char *folder = rota_text("%s", plan->path);
	enum rota_err err;

	if (m == NULL) {
		free(folder);
		return rota_fail(why, ROTA_ERR_FULL, "out of memory");
	}
	m->plan = plan;
	m->why = why;
	memcpy(m->head.product, plan->product, sizeof(m->head.product));
	err = rota_draft_open(&m->draft, dirname(folder), 0640, why);
	if (err == ROTA_OK) {
		err = make(reg, m, out);
		rota_draft_drop(&m->draft);
	}
	free(folder);
	free(m);
	return err;
}
