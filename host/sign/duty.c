/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sign/duty.h"
#include "rota/codec/name.h"
#include "rota/codec/version.h"

#include <string.h>

#define DAY 86400ULL

const struct rota_duty rota_duties[ROTA_DUTY_COUNT] = {
	{ "root", NULL, 365 * DAY },
	{ "targets", NULL, 365 * DAY },
	{ "snapshot", NULL, DAY },
	{ "timestamp", NULL, DAY },
	{ "releases", "releases/*/*/*", 365 * DAY },
	{ "ci", "ci/*/*/*", 7 * DAY },
	{ "rollouts", "rollouts/*", DAY },
	{ "keys-link", "keys/link/*", 7 * DAY },
	{ "keys-store", "keys/store/*", 365 * DAY },
	{ "time", "time/*", 7 * DAY },
	{ "revocations", "revocations/*", DAY },
	{ "retirements", "retirements/*", 365 * DAY },
};

const struct rota_duty *rota_duty_find(const char *name)
{
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
		if (strcmp(rota_duties[i].name, name) == 0)
			return &rota_duties[i];
	return NULL;
}

bool rota_name_ok(const char *name)
{
	return rota_name_valid(rota_span_cstr(name));
}

bool rota_version_of(const char *text, uint64_t *number)
{
	return rota_version_parse(rota_span_cstr(text), number) == ROTA_OK;
}

void rota_version_cstr(uint64_t number, char out[static ROTA_VERSION_CSTR_MAX])
{
	uint8_t text[ROTA_VERSION_TEXT_MAX];
	size_t len = rota_version_format(number, text);

	memcpy(out, text, len);
	out[len] = 0;
}
