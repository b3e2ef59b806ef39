/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets and, behind their head, the signature that time answers carry too. What decodes must encode to the same
 * bytes. */
#include "rota/codec/ticket.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t again[ROTA_TICKET_MAX];
	struct rota_ticket ticket;
	struct rota_span out;

	if (rota_ticket_decode(rota_span(data, len), &ticket) != ROTA_OK)
		return 0;
	if (rota_ticket_encode(&ticket, ROTA_BUF(again), &out) != ROTA_OK ||
		!rota_span_eq(out, rota_span(data, len)))
		abort();
	return 0;
}
