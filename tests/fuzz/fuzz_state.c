/* SPDX-License-Identifier: Apache-2.0 */
/* Device states: what is read is written back, and what was written is read as the same. */
#include "rota/store/state.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rota_state s, again;
	uint8_t room[ROTA_STATE_LEN_MAX], room2[ROTA_STATE_LEN_MAX];
	struct rota_span out, out2;

	if (rota_state_decode(rota_span(data, len), &s) != ROTA_OK)
		return 0;
	if (rota_state_encode(&s, ROTA_BUF(room), &out) != ROTA_OK ||
		rota_state_decode(out, &again) != ROTA_OK ||
		rota_state_encode(&again, ROTA_BUF(room2), &out2) != ROTA_OK ||
		!rota_span_eq(out, out2))
		abort();
	return 0;
}
