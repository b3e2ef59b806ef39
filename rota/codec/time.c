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

static uint32_t days_of_march_year(uint32_t year)
{
	return 365 * year + year / 4 - year / 100 + year / 400;
}

/* Days before the month that comes `m` months after March. */
static uint32_t days_of_march_month(uint32_t m)
{
	return (153 * m + 2) / 5;
}

static uint32_t days_since_1970(struct date d)
{
	uint32_t year = d.month > 2 ? d.year : d.year - 1;
	uint32_t month = (d.month + 9) % 12;

	return days_of_march_year(year) + days_of_march_month(month) + d.day - 1 - EPOCH_DAYS;
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

static bool leap(uint32_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool date_valid(struct date d)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (d.year < 1970 || d.month < 1 || d.month > 12 || d.day < 1)
		return false;
	return d.day <= days[d.month - 1] + (uint32_t)(d.month == 2 && leap(d.year));
}

/* The digits of text[from, from + len) as a number; the caller knows that they are digits. */
static uint32_t number(struct rota_span text, size_t from, size_t len)
{
	uint32_t n = 0;

	for (size_t i = from; i < from + len; i++)
		n = n * 10 + (uint32_t)(text.p[i] - '0');
	return n;
}

static bool spelt(struct rota_span text)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";

	if (text.len != ROTA_TIME_TEXT_LEN)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		bool digit = text.p[i] >= '0' && text.p[i] <= '9';

		if (shape[i] == 'd' ? !digit : text.p[i] != (uint8_t)shape[i])
			return false;
	}
	return true;
}

enum rota_err rota_time_parse(struct rota_span text, uint64_t *unix_s)
{
	struct date d;
	uint32_t hour, minute, second;

	if (!spelt(text))
		return ROTA_ERR_FORMAT;
	d = (struct date){ number(text, 0, 4), number(text, 5, 2), number(text, 8, 2) };
	hour = number(text, 11, 2);
	minute = number(text, 14, 2);
	second = number(text, 17, 2);
	if (!date_valid(d) || hour > 23 || minute > 59 || second > 59)
		return ROTA_ERR_FORMAT;
	*unix_s = (uint64_t)days_since_1970(d) * DAY_S + hour * 3600 + minute * 60 + second;
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
