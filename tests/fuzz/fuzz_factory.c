/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the factory: what is read is written again as it was, and its fields lie in it. */
#include "host/factory/message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_factory_message m;
	struct rota_bytes again = { 0 };
	uint8_t digest[32];
	uint32_t pcrs;

	if (rota_factory_decode(rota_span(data, len), &m) != ROTA_OK)
		return 0;
	rota_factory_encode(&m, &again);
	if (again.len != len || memcmp(again.p, data, len) != 0)
		abort();
	rota_factory_ready_digest(m.field[0], m.field[1], digest);
	if (rota_factory_pcrs_read(m.field[FACTORY_PCRS], &pcrs) == ROTA_OK) {
		rota_factory_pcrs_write(pcrs, digest);
		if (memcmp(digest, m.field[FACTORY_PCRS].p, 4) != 0)
			abort();
	}
	rota_bytes_free(&again);
	return 0;
}
