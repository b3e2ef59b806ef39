/* SPDX-License-Identifier: Apache-2.0 */
/* Revocations: what is read whole reads the same in single bytes; a release that was not asked for is not answered. */
#include "rota/codec/revocations.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static enum rota_err decode(struct rota_revocations_decoder *d, struct rota_span file, size_t piece)
{
	static uint8_t names[ROTA_REVOCATIONS_NAMES_ROOM], value[ROTA_REVOCATIONS_VALUE_ROOM];
	uint8_t release[ROTA_SHA256_LEN];

	rota_revocations_begin(d, ROTA_BUF(names), ROTA_BUF(value));
	memset(release, 0x11, sizeof(release));
	rota_revocations_ask(d, release);
	for (size_t at = 0; at < file.len; at += piece)
		ROTA_TRY(rota_revocations_feed(d, rota_span_slice(file, at, piece)));
	return rota_revocations_end(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rota_revocations_decoder d, again;

	if (decode(&d, rota_span(data, len), len) != ROTA_OK)
		return 0;
	if (decode(&again, rota_span(data, len), 1) != ROTA_OK || again.sequence != d.sequence ||
		again.withdrawn != d.withdrawn)
		abort();
	if (d.sequence == 0 || d.withdrawn > 1 || !rota_name_valid(rota_name_span(&d.product)))
		abort();
	return 0;
}
