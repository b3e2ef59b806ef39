/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of requests for rows, their batches, items and answers: what is read is written again as it was. */
#include "host/notary/rows.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct rota_span items[ROTA_REGISTRAR_ITEMS_MAX];

static void try_item(struct rota_span in)
{
	struct rota_registrar_item item;

	if (rota_registrar_read(in, &item) == ROTA_OK &&
		(item.statement.len == 0 || (item.was.len > 0) == (item.certificate.len > 0) ||
			item.was.len + item.statement.len + item.certificate.len != in.len))
		abort();
}

static void try_batch(struct rota_span in)
{
	struct rota_bytes again = { 0 };
	json_t *body;
	size_t count;

	if (rota_rows_batch_read(in, items, &count) != ROTA_OK)
		return;
	for (size_t i = 0; i < count; i++)
		try_item(items[i]);
	body = rota_rows_body(items, count);
	if (!rota_rows_body_ok(body))
		abort();
	rota_rows_batch(body, &again);
	if (!rota_span_eq(rota_bytes_span(&again), in))
		abort();
	rota_bytes_free(&again);
	json_decref(body);
}

/* Written again, it says the same. */
static void try_answer(struct rota_span in, size_t count)
{
	struct rota_rows_result results[2], again[2];
	struct rota_bytes text = { 0 };
	struct rota_fail why;

	if (rota_rows_answer_read(in, results, count, &why) != ROTA_OK)
		return;
	rota_rows_answer_write(7, results, count, &text);
	if (rota_rows_answer_read(rota_bytes_span(&text), again, count, &why) != ROTA_OK ||
		memcmp(results, again, count * sizeof(results[0])) != 0)
		abort();
	rota_bytes_free(&text);
}

static void try_text(struct rota_span in)
{
	struct rota_bytes batch = { 0 };
	struct rota_fail why;
	json_t *body;

	try_answer(in, 1);
	try_answer(in, 2);
	if (rota_json_parse(in, &body, &why) != ROTA_OK)
		return;
	if (rota_rows_body_ok(body)) {
		rota_rows_batch(body, &batch);
		try_batch(rota_bytes_span(&batch));
		rota_bytes_free(&batch);
	}
	json_decref(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	try_batch(rota_span(data, len));
	try_item(rota_span(data, len));
	try_text(rota_span(data, len));
	return 0;
}
