/* SPDX-License-Identifier: Apache-2.0 */
/* Records of what boot measured. What decodes must encode to the same bytes, and have a digest for each entry. */
#include "boot/record.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t again[ROTA_RECORD_MAX];
	struct rota_record_chain chain;
	struct rota_record record;
	struct rota_span out;

	if (rota_record_decode(rota_span(data, len), &record) != ROTA_OK)
		return 0;
	if (rota_record_encode(&record, ROTA_BUF(again), &out) != ROTA_OK ||
		!rota_span_eq(out, rota_span(data, len)) ||
		rota_record_measure(out, &rota_crypto_openssl, &chain) != ROTA_OK ||
		chain.count != 3u + record.has_order + record.count)
		abort();
	return 0;
}
