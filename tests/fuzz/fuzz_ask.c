/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the signing daemon: what is accepted is written again byte for byte, and what is signed stands in it. */
#include "host/notary/ask.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* An answer that was read says the same when it was written. */
static void answer_again(const struct rota_answer *answer)
{
	struct rota_bytes text = { 0 };
	struct rota_answer same;
	struct rota_fail why;

	rota_answer_write(answer, &text);
	if (rota_answer_read(rota_bytes_span(&text), &same, &why) != ROTA_OK ||
		same.kind != answer->kind || same.entry != answer->entry ||
		same.count != answer->count || same.code != answer->code)
		abort();
	rota_bytes_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_bytes bytes = { 0 }, again;
	struct rota_answer answer;
	struct rota_ask ask;
	struct rota_fail why;

	if (rota_answer_read(rota_span(data, len), &answer, &why) == ROTA_OK)
		answer_again(&answer);
	rota_bytes_add(&bytes, rota_span(data, len));
	if (rota_ask_parse(bytes, &ask, &why) != ROTA_OK)
		return 0;
	if (rota_ask_write(&ask, &again, &why) != ROTA_OK ||
		!rota_span_eq(rota_bytes_span(&again), rota_span(data, len)) ||
		(ask.kind == ROTA_ASK_METADATA) != (ask.signed_.len > 0))
		abort();
	rota_bytes_free(&again);
	rota_ask_free(&ask);
	return 0;
}
