/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/rows.h -- a request for rows of the registry, and its answer (SPEC 19.9, 30.8).
 *
 *     client                  parser               log writer, registrar          client
 *     {"items": [hex ...]} -> batch of the bytes -> results, one for each item -> {"rows": [hex or word ...]}
 *
 * Who makes rows reads no JSON: between the daemon's processes items go as a *batch*, "ROTAITM" || 1 || count (u32) || of each
 * its length (u32) and its bytes. What is in an item host/notary/registrar.h says.
 */
#ifndef HOST_NOTARY_ROWS_H
#define HOST_NOTARY_ROWS_H

#include "host/base/json.h"
#include "host/notary/registrar.h"

#define ROTA_ROWS_BATCH_MAX (12 + ROTA_REGISTRAR_ITEMS_MAX * (4 + ROTA_REGISTRAR_ITEM_MAX))

/* The role in which rows are asked for. It signs nothing. */
#define ROTA_ROWS_ROLE "registry"

struct rota_rows_result {
	int32_t err; /* enum rota_err: that of rota_registrar_row() */
	uint8_t row[ROTA_ROW_LEN]; /* ROTA_OK */
};

/* ---- the request ---- */

bool rota_rows_body_ok(const json_t *body);

/* At most ROTA_REGISTRAR_ITEMS_MAX. The caller decrefs. */
json_t *rota_rows_body(const struct rota_span *items, size_t count);

/* Of a body that is ok. */
void rota_rows_batch(const json_t *body, struct rota_bytes *out);

/* Spans point into the batch. ROTA_ERR_FORMAT: it is none, or has bytes behind it. */
ROTA_MUST_USE enum rota_err rota_rows_batch_read(struct rota_span batch,
	struct rota_span items[static ROTA_REGISTRAR_ITEMS_MAX], size_t *count);

/* ---- the answer ---- */

/* The word for why there is no row (SPEC 30.8). */
const char *rota_rows_word(enum rota_err err);

void rota_rows_answer_write(uint64_t entry, const struct rota_rows_result *results, size_t count,
	struct rota_bytes *out);

/* Exactly `count` results. ROTA_ERR_FORMAT, ROTA_ERR_SPELLING: no such answer; a refusal is another. */
ROTA_MUST_USE enum rota_err rota_rows_answer_read(struct rota_span text,
	struct rota_rows_result *results, size_t count, struct rota_fail *why);

#endif
