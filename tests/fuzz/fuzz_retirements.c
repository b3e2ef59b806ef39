/* SPDX-License-Identifier: Apache-2.0 */
/* Retirements: what is read whole reads the same in single bytes, and its numbers are in their range. */
#include "rota/codec/retirements.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static enum rota_err decode(struct rota_retirements_decoder *d, struct rota_span file, size_t piece)
{
	static uint8_t names[ROTA_RETIREMENTS_NAMES_ROOM], value[ROTA_RETIREMENTS_VALUE_ROOM];

	rota_retirements_begin(d, ROTA_STR("rev-a"), ROTA_BUF(names), ROTA_BUF(value));
	for (size_t at = 0; at < file.len; at += piece)
		ROTA_TRY(rota_retirements_feed(d, rota_span_slice(file, at, piece)));
	return rota_retirements_end(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rota_retirements_decoder d, again;

	if (decode(&d, rota_span(data, len), len) != ROTA_OK)
		return 0;
	if (decode(&again, rota_span(data, len), 1) != ROTA_OK || again.sequence != d.sequence ||
		again.has_floor != d.has_floor || again.counter_floor != d.counter_floor)
		abort();
	if (d.sequence == 0 || d.key_floor > 1 || d.has_floor != (d.counter_floor != 0) ||
		!rota_name_valid(rota_name_span(&d.product)))
		abort();
	return 0;
}
