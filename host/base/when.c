/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WHEN_MAX 253402300799ULL /* 9999-12-31T23:59:59Z */
#define DURATION_MAX (100ULL * 366 * 86400)

void rota_when_text(uint64_t unix_s, char out[static ROTA_WHEN_LEN])
{
	time_t t = (time_t)(unix_s > WHEN_MAX ? WHEN_MAX : unix_s);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, ROTA_WHEN_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

bool rota_when_parse(const char *text, uint64_t *unix_s)
{
	char again[ROTA_WHEN_LEN];
	struct tm tm = { 0 };
	time_t t;

	if (strlen(text) != ROTA_WHEN_LEN - 1)
		return false;
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		    &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	t = timegm(&tm);
	if (t < 0)
		return false;
	*unix_s = (uint64_t)t;
	rota_when_text(*unix_s, again); /* refuses 31 February and whatever else was normalised */
	return strcmp(again, text) == 0;
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
