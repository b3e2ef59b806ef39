/* SPDX-License-Identifier: Apache-2.0 */
#include "host/keys/period.h"

#include <stddef.h>
#include <string.h>

#define DAY 86400ULL

/* NIST SP 800-57 part 1 rev. 5, 5.3.6: one to three years for a private signature key; less where a machine on a
 * network uses it by itself. What lies in a device's ROM cannot be rotated faster than the devices. */
static const struct {
	const char *use;
	uint64_t period_s;
} periods[] = {
	{ "root", 730 * DAY },
	{ "targets", 730 * DAY },
	{ "releases", 730 * DAY },
	{ "retirements", 730 * DAY },
	{ "keys-store", 730 * DAY },
	{ "approval", 730 * DAY },
	{ "station", 730 * DAY },
	{ "log", 730 * DAY },
	{ "witness", 730 * DAY },
	{ "snapshot", 90 * DAY },
	{ "timestamp", 90 * DAY },
	{ "rollouts", 90 * DAY },
	{ "ci", 90 * DAY },
	{ "ci-image", 90 * DAY },
	{ "keys-link", 90 * DAY },
	{ "time", 90 * DAY },
	{ "revocations", 90 * DAY },
	{ "builder", 90 * DAY },
	{ "image", 3650 * DAY },
	{ "device-ca", 7300 * DAY },
	{ "operational-ca", 7300 * DAY },
	{ "server-ca", 7300 * DAY },
	{ "recovery", 0 },
};

#define PERIOD_COUNT (sizeof(periods) / sizeof(periods[0]))

bool rota_key_period(const char *use, uint64_t *period_s)
{
	for (size_t i = 0; i < PERIOD_COUNT; i++) {
		if (strcmp(periods[i].use, use) != 0)
			continue;
		*period_s = periods[i].period_s;
		return true;
	}
	return false;
}

bool rota_key_has_use(const char *uses, const char *use)
{
	size_t len = strlen(use);

	for (const char *at = uses; (at = strstr(at, use)) != NULL; at += len)
		if ((at == uses || at[-1] == ' ') && (at[len] == 0 || at[len] == ' '))
			return true;
	return false;
}

uint64_t rota_key_period_of(const char *uses)
{
	uint64_t least = 0;

	for (size_t i = 0; i < PERIOD_COUNT; i++)
		if (periods[i].period_s && rota_key_has_use(uses, periods[i].use) &&
			(least == 0 || periods[i].period_s < least))
			least = periods[i].period_s;
	return least;
}
