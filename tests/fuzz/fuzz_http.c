/* SPDX-License-Identifier: Apache-2.0 */
/* A request as the gate reads it: head, then body in pieces. Body and head never exceed their limits. */
#include "host/http/head.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_span rest = rota_span(data, len);
	struct rota_http_head head;
	struct rota_http_body body;
	size_t taken;

	if (rota_http_head(rest, ROTA_HTTP_BODY_MAX, &head) != 0 || head.len == 0)
		return 0;
	if (head.len > len || head.len > ROTA_HTTP_HEAD_MAX || head.body_len > ROTA_HTTP_BODY_MAX)
		abort();
	rest = rota_span_skip(rest, head.len);
	body = rota_http_body(&head);
	while (!rota_http_body_done(&body) && rest.len > 0) {
		if (rota_http_body_feed(&body, rota_span_slice(rest, 0, 7), &taken) != 0)
			return 0;
		if (taken == 0 || body.total > ROTA_HTTP_BODY_MAX)
			abort();
		rest = rota_span_skip(rest, taken);
	}
	return 0;
}
