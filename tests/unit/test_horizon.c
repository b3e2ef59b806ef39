/* SPDX-License-Identifier: Apache-2.0 */
/* How long a role's file may live: SPEC 3.2, 4.5. */
#include "rota/trust/horizon.h"
#include "rota/codec/time.h"
#include "tests/unit/test.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define NOW 1800000000u
#define DAY_S 86400u

static const struct {
	const char *role;
	rota_num days;
} lives[] = {
	{ "root", 366 },
	{ "targets", 366 },
	{ "releases", 366 },
	{ "keys-store", 366 },
	{ "retirements", 366 },
	{ "ci", 7 },
	{ "keys-link", 7 },
	{ "time", 7 },
	{ "rollouts", 1 },
	{ "revocations", 1 },
	{ "snapshot", 1 },
	{ "timestamp", 1 },
};

TEST(each_role_lives_as_long_as_it_may_and_no_second_longer)
{
	const struct rota_time now = { NOW, true };

	for (size_t i = 0; i < ROWS(lives); i++) {
		struct rota_span role = rota_span_cstr(lives[i].role);
		rota_num life_s = lives[i].days * DAY_S;

		ROW(lives[i].role);
		CHECK_EQ(rota_horizon_lifetime_s(role), life_s);
		CHECK_OK(rota_horizon_check(role, NOW, NOW + life_s, now));
		CHECK_EQ(rota_horizon_check(role, NOW, NOW + life_s + 1, now), ROTA_ERR_TIME);
	}
	ROW(NULL);
}

static const struct {
	const char *reason;
	rota_num issued_s, expires_s;
	struct rota_time now;
	enum rota_err err;
} times[] = {
	{ "expired: that is for others to say", NOW - 2 * DAY_S, NOW - DAY_S, { NOW, true },
		ROTA_OK },
	{ "never issued", 0, NOW, { NOW, true }, ROTA_ERR_TIME },
	{ "never issued, no clock", 0, 1, { 0, false }, ROTA_ERR_TIME },
	{ "over before it began", NOW, NOW - 1, { NOW, true }, ROTA_ERR_TIME },
	{ "ten minutes ahead", NOW + 600, NOW + 900, { NOW, true }, ROTA_OK },
	{ "a second more", NOW + 601, NOW + 900, { NOW, true }, ROTA_ERR_TIME },
	{ "ahead of a clock that nobody trusts", NOW + 601, NOW + 900, { NOW, false }, ROTA_OK },
	{ "the end of time", ROTA_TIME_MAX - 1, ROTA_TIME_MAX, { NOW, true }, ROTA_ERR_TIME },
};

TEST(issue_and_expiry_are_within_the_horizon)
{
	for (size_t i = 0; i < ROWS(times); i++) {
		ROW(times[i].reason);
		CHECK_EQ(rota_horizon_check(ROTA_STR("snapshot"), times[i].issued_s,
				 times[i].expires_s, times[i].now),
			times[i].err);
	}
	ROW(NULL);
}

TESTS(T(each_role_lives_as_long_as_it_may_and_no_second_longer),
	T(issue_and_expiry_are_within_the_horizon))
