/* SPDX-License-Identifier: Apache-2.0 */
/* Years are counted from March, so that the leap day is a year's last and the length of a month follows from
 * its number; eras of 400 years repeat exactly. */
#include "rota/codec/time.h"
#include "rota/base/mem.h"

#define DAY_S 86400u
#define ERA_DAYS 146097u
#define EPOCH_DAYS 719468u /* from 0000-03-01 to 1970-01-01 */

struct date {
	uint32_t year, month, day; /* month and day from 1 */
};

ROTA_APART static uint32_t days_of_march_year(uint32_t year)
{
	return 365 * year + year / 4 - year / 100 + year / 400;
}

/* Days before the month that comes `m` months after March. */
static uint32_t days_of_march_month(uint32_t m)
{
	return (153 * m + 2) / 5;
}

/* Days from 1970 to the first of a month; month 13 is the next year's first. */
static uint32_t days_to(uint32_t year, uint32_t month)
{
	uint32_t since_march = month + 9; /* of the year before */

	return days_of_march_year(year - 1 + since_march / 12) +
		days_of_march_month(since_march % 12) - EPOCH_DAYS;
}

static struct date date_of(uint32_t days)
{
	uint32_t since = days + EPOCH_DAYS;
	uint32_t in_era = since % ERA_DAYS;
	/* the last day of 4, 100 and 400 years is a leap day, or none */
	uint32_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	uint32_t in_year = in_era - days_of_march_year(year);
	uint32_t month = (5 * in_year + 2) / 153;
	struct date d;

	d.day = in_year - days_of_march_month(month) + 1;
	d.month = month < 10 ? month + 3 : month - 9;
	d.year = since / ERA_DAYS * 400 + year + (d.month <= 2);
	return d;
}

enum rota_err rota_time_parse(struct rota_span text, rota_num *unix_s)
{
	static const char ends[] = "--T::Z"; /* what follows each number */
	uint32_t n[sizeof(ends) - 1], days; /* year, month, day, hour, minute, second */
	size_t at = 0;

	if (text.len != ROTA_TIME_TEXT_LEN)
		return ROTA_ERR_FORMAT;
	for (size_t i = 0; i < sizeof(ends) - 1; i++) {
		n[i] = 0;
		for (size_t end = at + (i == 0 ? 4 : 2); at < end; at++) {
			uint32_t digit = (uint32_t)text.p[at] - '0';

			if (digit > 9)
				return ROTA_ERR_FORMAT;
			n[i] = n[i] * 10 + digit;
		}
		if (text.p[at++] != (uint8_t)ends[i])
			return ROTA_ERR_FORMAT;
	}
	days = days_to(n[0], n[1]);
	if (n[0] < 1970 || n[1] - 1 > 11 || n[2] - 1 >= days_to(n[0], n[1] + 1) - days ||
		n[3] > 23 || n[4] > 59 || n[5] > 59)
		return ROTA_ERR_FORMAT;
	*unix_s = ROTA_TIME_MAX;
	if (n[0] <= ROTA_TIME_YEAR_MAX)
		*unix_s = (rota_num)(days + n[2] - 1) * DAY_S + (n[3] * 60 + n[4]) * 60 + n[5];
	return ROTA_OK;
}

static void put(uint8_t *text, size_t from, size_t len, uint32_t n)
{
	for (size_t i = from + len; i > from; i--) {
		text[i - 1] = (uint8_t)('0' + n % 10);
		n /= 10;
	}
}

void rota_time_format(uint64_t unix_s, uint8_t text[static ROTA_TIME_TEXT_LEN])
{
	struct date d = date_of(rota_time_days(unix_s));
	uint32_t in_day = rota_time_in_day(unix_s);

	memcpy(text, "0000-00-00T00:00:00Z", ROTA_TIME_TEXT_LEN);
	put(text, 0, 4, d.year);
	put(text, 5, 2, d.month);
	put(text, 8, 2, d.day);
	put(text, 11, 2, in_day / 3600);
	put(text, 14, 2, in_day / 60 % 60);
	put(text, 17, 2, in_day % 60);
}
