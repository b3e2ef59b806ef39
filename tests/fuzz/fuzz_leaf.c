/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves of the signing log. What decodes must encode to the same bytes. */
#include "rota/codec/leaf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t again[ROTA_LEAF_MAX];
	struct rota_leaf leaf;
	struct rota_span out;

	if (rota_leaf_decode(rota_span(data, len), &leaf) != ROTA_OK)
		return 0;
	if (rota_leaf_encode(&leaf, ROTA_BUF(again), &out) != ROTA_OK ||
		!rota_span_eq(out, rota_span(data, len)))
		abort();
	return 0;
}
