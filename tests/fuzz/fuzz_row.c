/* SPDX-License-Identifier: Apache-2.0 */
/* Rows, exports, and what follows from a row: what is read is written again as it was, and the next row is one. */
#include "host/campaign/row.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A head, and rows behind it. */
static void try_export(struct rota_span in)
{
	uint8_t again[ROTA_EXPORT_HEAD_LEN], last[ROTA_SHA256_LEN] = { 0 }, before[ROTA_SHA256_LEN];
	struct rota_export e;
	struct rota_row r;
	bool first = true;

	if (in.len < sizeof(again) || rota_export_decode(in.p, &e) != ROTA_OK)
		return;
	rota_export_encode(&e, again);
	if (memcmp(again, in.p, sizeof(again)) != 0)
		abort();
	for (in = rota_span_skip(in, sizeof(again)); in.len >= ROTA_ROW_LEN;
		in = rota_span_skip(in, ROTA_ROW_LEN)) {
		memcpy(before, last, sizeof(last));
		if (rota_row_read(in.p, &r) != ROTA_OK ||
			rota_export_take(&e, &r, first, last) != ROTA_OK)
			return;
		if (!first && memcmp(last, before, sizeof(last)) <= 0)
			abort();
		first = false;
	}
}

static void try_enrol(const struct rota_row *of, const struct rota_statement *s)
{
	uint8_t product[ROTA_ROW_PRODUCT_LEN];
	struct rota_row r;

	rota_row_product(&rota_crypto_openssl, ROTA_SPAN(of->device), product);
	if (rota_row_enrol(product, of->identity, s, &r) == ROTA_OK &&
		(r.counter != 1 || r.flags != 0 ||
			memcmp(r.agree, of->identity, sizeof(r.agree)) == 0))
		abort();
}

static void try_next(const struct rota_row *was, struct rota_span in)
{
	struct rota_statement s;
	struct rota_row next;

	if (rota_statement_decode(in, &s) != ROTA_OK)
		return;
	try_enrol(was, &s);
	if (rota_row_next(was, &s, &next) != ROTA_OK)
		return;
	if (next.counter < was->counter || next.counter - was->counter > 1 ||
		memcmp(next.identity, was->identity, sizeof(next.identity)) != 0 ||
		memcmp(next.device, was->device, sizeof(next.device)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rota_hmac key;
	uint8_t again[ROTA_ROW_LEN];
	struct rota_row r;

	try_export(rota_span(data, len));
	if (len < ROTA_ROW_LEN || rota_row_read(data, &r) != ROTA_OK)
		return 0;
	rota_hmac_begin(&key, &rota_crypto_openssl, ROTA_STR("key"));
	rota_row_encode(&r, &rota_crypto_openssl, &key, again);
	if (memcmp(again, data, ROTA_ROW_LEN - ROTA_HMAC_LEN) != 0 ||
		rota_row_decode(again, &rota_crypto_openssl, &key, &r) != ROTA_OK)
		abort();
	try_next(&r, rota_span(&data[ROTA_ROW_LEN], len - ROTA_ROW_LEN));
	return 0;
}
