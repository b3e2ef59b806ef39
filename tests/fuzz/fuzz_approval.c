/* SPDX-License-Identifier: Apache-2.0 */
/* Approvals of officers: what is accepted is written again byte for byte. */
#include "host/notary/approval.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_bytes again = { 0 };
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_approval a;
	struct rota_fail why;

	if (rota_approval_parse(rota_span(data, len), &a, &why) != ROTA_OK)
		return 0;
	rota_approval_digest(&a, digest);
	rota_approval_write(&a, &again);
	if (!rota_span_eq(rota_bytes_span(&again), rota_span(data, len)))
		abort();
	rota_bytes_free(&again);
	return 0;
}
