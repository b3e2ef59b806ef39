/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/purpose.h"

static const char *const words[] = {
	[ROTA_PURPOSE_TELEMETRY] = "telemetry",
	[ROTA_PURPOSE_LINK] = "link",
	[ROTA_PURPOSE_STORAGE] = "storage",
	[ROTA_PURPOSE_FIRMWARE] = "firmware",
	[ROTA_PURPOSE_AUTH] = "auth",
};

uint8_t rota_purpose_of(struct rota_span word)
{
	for (uint8_t p = ROTA_PURPOSE_TELEMETRY; p <= ROTA_PURPOSE_AUTH; p++)
		if (rota_span_is(word, words[p]))
			return p;
	return 0;
}

const char *rota_purpose_word(uint8_t purpose)
{
	return purpose <= ROTA_PURPOSE_AUTH ? words[purpose] : NULL;
}

const char *rota_purpose_role(uint8_t purpose)
{
	if (rota_purpose_word(purpose) == NULL)
		return NULL;
	return purpose <= ROTA_PURPOSE_LINK ? "keys-link" : "keys-store";
}
