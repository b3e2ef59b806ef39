/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/horizon.h"

#define DAY_S 86400u
#define WEEK 7
#define YEAR 366

/* Where it is less than a year; root, targets, releases, keys-store and retirements live so long. */
static const struct {
	char role[12];
	uint8_t days;
} lifetimes[] = {
	{ "timestamp", 1 },
	{ "snapshot", 1 },
	{ "rollouts", 1 },
	{ "revocations", 1 },
	{ "ci", WEEK },
	{ "keys-link", WEEK },
	{ "time", WEEK },
};

uint32_t rota_horizon_lifetime_s(struct rota_span role)
{
	uint32_t days = YEAR;

	for (size_t i = 0; i < sizeof(lifetimes) / sizeof(lifetimes[0]); i++) {
		if (rota_span_is(role, lifetimes[i].role))
			days = lifetimes[i].days;
	}
	return days * DAY_S;
}

enum rota_err rota_horizon_check(
	struct rota_span role, rota_num issued_s, rota_num expires_s, struct rota_time now)
{
	if (issued_s == 0 || expires_s < issued_s)
		return ROTA_ERR_TIME;
	if (expires_s - issued_s > rota_horizon_lifetime_s(role))
		return ROTA_ERR_TIME;
	if (now.trusted && issued_s > now.unix_s && issued_s - now.unix_s > ROTA_HORIZON_SKEW_S)
		return ROTA_ERR_TIME;
	return ROTA_OK;
}
