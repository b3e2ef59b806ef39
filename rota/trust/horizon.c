/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/horizon.h"

#define DAY_S UINT64_C(86400)
#define WEEK_S (7 * DAY_S)
#define YEAR_S (366 * DAY_S)

static const struct {
	const char *role;
	uint64_t life_s;
} lifetimes[] = {
	{ "timestamp", DAY_S },
	{ "snapshot", DAY_S },
	{ "rollouts", DAY_S },
	{ "revocations", DAY_S },
	{ "ci", WEEK_S },
	{ "keys-link", WEEK_S },
	{ "time", WEEK_S },
};

uint64_t rota_horizon_lifetime_s(struct rota_span role)
{
	for (size_t i = 0; i < sizeof(lifetimes) / sizeof(lifetimes[0]); i++) {
		if (rota_span_is(role, lifetimes[i].role))
			return lifetimes[i].life_s;
	}
	return YEAR_S; /* root, targets, releases, keys-store, retirements */
}

enum rota_err rota_horizon_check(
	struct rota_span role, uint64_t issued_s, uint64_t expires_s, struct rota_time now)
{
	if (issued_s == 0 || expires_s < issued_s)
		return ROTA_ERR_TIME;
	if (expires_s - issued_s > rota_horizon_lifetime_s(role))
		return ROTA_ERR_TIME;
	if (now.trusted && issued_s > now.unix_s && issued_s - now.unix_s > ROTA_HORIZON_SKEW_S)
		return ROTA_ERR_TIME;
	return ROTA_OK;
}
