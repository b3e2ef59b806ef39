/* SPDX-License-Identifier: Apache-2.0 */
/* When the next data keys are due, and what a campaign is made of by default (SPEC 39). */
#include "host/base/when.h"
#include "host/campaign/schedule.h"
#include "tests/unit/test.h"

#define DAY UINT64_C(86400)
#define NOW (UINT64_C(20000) * DAY)

TEST(every_row_of_what_is_due)
{
	static const struct {
		const char *reason;
		struct rota_keydue_facts facts;
		enum rota_keydue due;
	} rows[] = {
		{ "nobody wants one", { NOW, 90 * DAY, 14 * DAY, 0, 0, false, false },
			ROTA_KEYDUE_NEVER },
		{ "rota.ini wants a first one", { NOW, 90 * DAY, 14 * DAY, 0, 0, true, false },
			ROTA_KEYDUE_NOW },
		{ "the first one waits", { NOW, 90 * DAY, 14 * DAY, 0, 0, true, true },
			ROTA_KEYDUE_COMING },
		{ "its activation is to come",
			{ NOW, 90 * DAY, 14 * DAY, NOW + DAY, 5, true, false },
			ROTA_KEYDUE_COMING },
		{ "the day it began", { NOW, 90 * DAY, 14 * DAY, NOW, 0, true, false },
			ROTA_KEYDUE_FINE },
		{ "a second before the lead",
			{ NOW, 90 * DAY, 14 * DAY, NOW - 76 * DAY + 1, 0, true, false },
			ROTA_KEYDUE_FINE },
		{ "the lead begins", { NOW, 90 * DAY, 14 * DAY, NOW - 76 * DAY, 0, true, false },
			ROTA_KEYDUE_NOW },
		{ "in the lead, and asked for",
			{ NOW, 90 * DAY, 14 * DAY, NOW - 80 * DAY, 0, true, true },
			ROTA_KEYDUE_COMING },
		{ "a second before the end",
			{ NOW, 90 * DAY, 14 * DAY, NOW - 90 * DAY + 1, 0, true, false },
			ROTA_KEYDUE_NOW },
		{ "the period is over",
			{ NOW, 90 * DAY, 14 * DAY, NOW - 90 * DAY, 0, false, false },
			ROTA_KEYDUE_OVER },
		{ "a device has used it up", { NOW, 90 * DAY, 14 * DAY, NOW - DAY, 1, true, false },
			ROTA_KEYDUE_WANTED },
		{ "that, and the next is asked for",
			{ NOW, 90 * DAY, 14 * DAY, NOW - DAY, 1, true, true }, ROTA_KEYDUE_COMING },
		{ "a lead as long as the period",
			{ NOW, 10 * DAY, 14 * DAY, NOW - 1, 0, true, false }, ROTA_KEYDUE_NOW },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_keydue_verdict v = rota_schedule_judge(&rows[i].facts);

		ROW(rows[i].reason);
		CHECK_EQ(v.due, rows[i].due);
		CHECK_EQ(rota_keydue_is(v.due),
			v.due == ROTA_KEYDUE_NOW || v.due == ROTA_KEYDUE_WANTED ||
				v.due == ROTA_KEYDUE_OVER);
	}
}

TEST(periods_are_within_two_years)
{
	for (uint8_t purpose = ROTA_PURPOSE_TELEMETRY; purpose <= ROTA_PURPOSE_AUTH; purpose++) {
		CHECK(rota_period_of(purpose) >= ROTA_PERIOD_LEAST_S);
		CHECK(rota_period_of(purpose) <= ROTA_PERIOD_MOST_S);
		CHECK(rota_period_of(purpose) > ROTA_LEAD_S);
	}
	CHECK_EQ(rota_period_of(0), 0);
	CHECK_EQ(rota_period_of(9), 0);
}

TEST(the_plan_is_what_devices_take)
{
	struct rota_key_campaign c = { .purpose = ROTA_PURPOSE_STORAGE };

	rota_schedule_plan(&c, NOW);
	CHECK_EQ(c.stage_count, 3);
	for (size_t i = 1; i < c.stage_count; i++) {
		CHECK(c.stage[i].from_s > c.stage[i - 1].from_s);
		CHECK(c.stage[i].ppm > c.stage[i - 1].ppm);
	}
	CHECK_EQ(c.stage[0].from_s, NOW);
	CHECK_EQ(c.stage[2].ppm, ROTA_KEYS_PPM);
	CHECK(c.activation_s > c.stage[2].from_s);
	CHECK(c.activation_s < NOW + ROTA_LEAD_S); /* else the period ends before */
	c.emergency = true;
	rota_schedule_plan(&c, NOW);
	CHECK_EQ(c.stage_count, 1);
	CHECK_EQ(c.stage[0].from_s, NOW);
	CHECK_EQ(c.stage[0].ppm, ROTA_KEYS_PPM);
	CHECK_EQ(c.activation_s, NOW);
}

TEST(stages_that_somebody_wrote)
{
	static const char *const bad[] = { "", "1000000", "@0s", "0@0s,1000000@1d", "1000001@0s",
		"500000@0s", "500000@0s,500000@1d,1000000@2d", "500000@1d,1000000@1d",
		"500000@2d,1000000@1d", "1000000@0s,", "-1@0s", "1000000@", "1000000@x",
		"1@0s,2@1s,3@2s,4@3s,5@4s,6@5s,7@6s,8@7s,1000000@8s" };
	struct rota_key_campaign c = { 0 };
	struct rota_fail why;

	CHECK_EQ(rota_schedule_stages(&c, "10@0s,1000000@2d", NOW, &why), ROTA_OK);
	CHECK_EQ(c.stage_count, 2);
	CHECK_EQ(c.stage[1].from_s, NOW + 2 * DAY);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ROW(bad[i]);
		CHECK_EQ(rota_schedule_stages(&c, bad[i], NOW, &why), ROTA_ERR_FORMAT);
	}
	ROW(NULL);
	c.emergency = true;
	CHECK_EQ(rota_schedule_stages(&c, "1000000@0s", NOW, &why), ROTA_OK);
	CHECK_EQ(rota_schedule_stages(&c, "10@0s,1000000@2d", NOW, &why), ROTA_ERR_FORMAT);
}

TEST(the_newest_two_stay)
{
	CHECK(rota_schedule_retires(1, 3));
	CHECK(!rota_schedule_retires(2, 3));
	CHECK(!rota_schedule_retires(1, 0));
	CHECK(!rota_schedule_retires(UINT32_MAX, 5));
}

TEST(the_end_that_is_expected)
{
	CHECK_EQ(rota_schedule_end(NOW, NOW, NOW + 10, 0, 4), 0);
	CHECK_EQ(rota_schedule_end(NOW, NOW, NOW - 1, 1, 4), 0);
	CHECK_EQ(rota_schedule_end(NOW, NOW, NOW + 10, 1, 4), NOW + 40);
	CHECK_EQ(rota_schedule_end(NOW, NOW + DAY, NOW + 10, 1, 4), NOW + DAY);
	CHECK_EQ(rota_schedule_end(NOW, NOW + DAY, NOW + 10, 4, 4), NOW + 10);
}

TESTS(T(every_row_of_what_is_due), T(periods_are_within_two_years),
	T(the_plan_is_what_devices_take), T(stages_that_somebody_wrote), T(the_newest_two_stay),
	T(the_end_that_is_expected))
