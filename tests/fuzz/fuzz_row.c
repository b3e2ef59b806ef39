/* SPDX-License-Identifier: Apache-2.0 */
/* Rows, heads of exports, and what follows from a row: what is read is written again as it was, and the next row is one. */
#include "host/campaign/row.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void try_export(const uint8_t *data)
{
	uint8_t again[ROTA_EXPORT_HEAD_LEN];
	struct rota_export e;

	if (rota_export_decode(data, &e) != ROTA_OK)
		return;
	rota_export_encode(&e, again);
	if (memcmp(again, data, sizeof(again)) != 0)
		abort();
}

static void try_next(const struct rota_row *was, struct rota_span in)
{
	struct rota_statement s;
	struct rota_row next;

	if (rota_statement_decode(in, &s) != ROTA_OK || rota_row_next(was, &s, &next) != ROTA_OK)
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

	if (len >= ROTA_EXPORT_HEAD_LEN)
		try_export(data);
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
