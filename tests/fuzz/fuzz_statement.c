/* SPDX-License-Identifier: Apache-2.0 */
/* Statements: what is read is written again as it was. */
#include "rota/codec/statement.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rota_statement s;
	uint8_t room[ROTA_STATEMENT_MAX];
	struct rota_span body;

	if (rota_statement_decode(rota_span(data, len), &s) != ROTA_OK)
		return 0;
	if (rota_statement_encode(&s, ROTA_BUF(room), &body) != ROTA_OK ||
		!rota_span_eq(body, s.body) || body.len + s.sig.len != len)
		abort();
	return 0;
}
