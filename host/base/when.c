/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/when.h"
#include "rota/codec/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DURATION_MAX (100ULL * 366 * 86400)

void rota_when_text(uint64_t unix_s, char out[static ROTA_WHEN_LEN])
{
	uint8_t text[ROTA_TIME_TEXT_LEN];

	rota_time_format(unix_s, text);
	memcpy(out, text, sizeof(text));
	out[sizeof(text)] = 0;
}

bool rota_when_parse(const char *text, uint64_t *unix_s)
{
	rota_num s = 0;
	bool ok = rota_time_parse(rota_span_cstr(text), &s) == ROTA_OK;

	*unix_s = s;
	return ok;
}

uint64_t rota_when_now(void)
{
	return (uint64_t)time(NULL);
}

static uint64_t unit_of(const char *end)
{
	if (end[0] == 0)
		return 1;
	if (end[1] != 0)
		return 0;
	switch (end[0]) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	default:
		return 0;
	}
}

bool rota_duration_parse(const char *text, uint64_t *seconds)
{
	unsigned long long number;
	uint64_t unit;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	number = strtoull(text, &end, 10);
	unit = unit_of(end);
	if (unit == 0 || number > DURATION_MAX / unit)
		return false;
	*seconds = number * unit;
	return true;
}

void rota_duration_text(uint64_t seconds, char out[static ROTA_DURATION_LEN])
{
	static const struct {
		uint64_t from, unit;
		char name;
	} units[] = { { 2 * 86400, 86400, 'd' }, { 2 * 3600, 3600, 'h' }, { 120, 60, 'm' },
		{ 0, 1, 's' } };
	size_t i = 0;

	while (seconds < units[i].from)
		i++;
	snprintf(out, ROTA_DURATION_LEN, "%llu%c", (unsigned long long)(seconds / units[i].unit),
		units[i].name);
}
