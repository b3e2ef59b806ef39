/* SPDX-License-Identifier: Apache-2.0 */
/* The small spellings of SPEC 1 and 3.2: times, versions, names, target paths, path patterns. */
#include "rota/codec/name.h"
#include "rota/codec/time.h"
#include "rota/codec/version.h"
#include "rota/trust/path.h"
#include "tests/unit/test.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* Seconds by `date -u -d TEXT +%s`. */
TEST(times_both_ways)
{
	static const struct {
		const char *text;
		uint64_t unix_s;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-02-28T23:59:59Z", 5097599 },
		{ "1972-02-29T00:00:00Z", 68169600 },
		{ "1999-12-31T23:59:59Z", 946684799 },
		{ "2000-02-29T12:34:56Z", 951827696 },
		{ "2000-12-31T00:00:00Z", 978220800 },
		{ "2024-12-31T23:59:59Z", 1735689599 },
		{ "2026-03-01T00:00:00Z", 1772323200 },
		{ "2038-01-19T03:14:08Z", 2147483648 },
		{ "2100-02-28T23:59:59Z", 4107542399 },
		{ "2100-03-01T00:00:00Z", 4107542400 },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		rota_num got = 1;
		uint8_t text[ROTA_TIME_TEXT_LEN];

		ROW(rows[i].text);
		CHECK_OK(rota_time_parse(rota_span_cstr(rows[i].text), &got));
		CHECK_EQ(got, rows[i].unix_s);
		rota_time_format(rows[i].unix_s, text);
		CHECK_MEM(text, rows[i].text, ROTA_TIME_TEXT_LEN);
	}
}

/* To the second, on any machine: the last one that it counts is that of 9999, or of 2105. */
TEST(a_time_past_the_last_is_the_last)
{
	static const char *const rows[] = { ROTA_NUM_BITS == 32 ? "2105-12-31T23:59:59Z"
								: "9999-12-31T23:59:59Z",
		ROTA_NUM_BITS == 32 ? "2106-01-01T00:00:00Z" : "9999-12-31T23:59:59Z",
		"9999-12-31T23:59:59Z" };

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint8_t text[ROTA_TIME_TEXT_LEN];
		rota_num got = 1;

		ROW(rows[i]);
		CHECK_OK(rota_time_parse(rota_span_cstr(rows[i]), &got));
		CHECK_EQ(got, ROTA_TIME_MAX);
		rota_time_format(got, text);
		CHECK_MEM(text, rows[0], ROTA_TIME_TEXT_LEN);
		rota_time_format(UINT64_MAX, text);
		CHECK_MEM(text, rows[0], ROTA_TIME_TEXT_LEN);
	}
}

/* Every day of 400 years and one, or of those that there are: parse(format(t)) is t, and the next day is another. */
TEST(times_go_round)
{
	for (uint64_t day = 0; day < 146097 + 366 && day < ROTA_TIME_MAX / 86400; day++) {
		uint64_t t = day * 86400 + day % 86400;
		rota_num got = 0;
		uint8_t text[ROTA_TIME_TEXT_LEN];

		rota_time_format(t, text);
		CHECK_OK(rota_time_parse(ROTA_SPAN(text), &got));
		CHECK_EQ(got, t);
		CHECK_EQ(rota_time_days(t), day);
		CHECK_EQ(rota_time_in_day(t), day % 86400);
	}
	CHECK_EQ(rota_time_days(ROTA_TIME_MAX), ROTA_TIME_MAX / 86400);
	CHECK_EQ(rota_time_in_day(UINT64_MAX), 86399); /* as ROTA_TIME_MAX */
}

TEST(bad_times_are_refused)
{
	static const struct {
		const char *reason, *text;
	} rows[] = {
		{ "empty", "" },
		{ "before 1970", "1969-12-31T23:59:59Z" },
		{ "month 0", "2026-00-01T00:00:00Z" },
		{ "month 13", "2026-13-01T00:00:00Z" },
		{ "day 0", "2026-01-00T00:00:00Z" },
		{ "31 April", "2026-04-31T00:00:00Z" },
		{ "29 February of a common year", "2026-02-29T00:00:00Z" },
		{ "29 February 2100", "2100-02-29T00:00:00Z" },
		{ "30 February of a leap year", "2024-02-30T00:00:00Z" },
		{ "hour 24", "2026-01-01T24:00:00Z" },
		{ "minute 60", "2026-01-01T00:60:00Z" },
		{ "leap second", "2016-12-31T23:59:60Z" },
		{ "fraction", "2026-01-01T00:00:00.0Z" },
		{ "offset", "2026-01-01T00:00:00+00:00" },
		{ "no zone", "2026-01-01T00:00:00" },
		{ "lower-case t", "2026-01-01t00:00:00Z" },
		{ "blank for T", "2026-01-01 00:00:00Z" },
		{ "no digit", "2026-0a-01T00:00:00Z" },
		{ "year of five digits", "12026-01-01T00:00:00Z" },
		{ "a byte after it", "2026-01-01T00:00:00Z " },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		rota_num got;

		ROW(rows[i].reason);
		CHECK_EQ(rota_time_parse(rota_span_cstr(rows[i].text), &got), ROTA_ERR_FORMAT);
	}
}

TEST(versions_both_ways_and_in_order)
{
	static const struct {
		const char *text;
		uint64_t version;
	} rows[] = {
		{ "0.0.0", 0 },
		{ "0.0.0+1", 1 },
		{ "0.0.1", UINT64_C(1) << 32 },
		{ "0.1.0", UINT64_C(1) << 48 },
		{ "1.2.3", UINT64_C(0x0102000300000000) },
		{ "1.2.3+4", UINT64_C(0x0102000300000004) },
		{ "1.10.0", UINT64_C(0x010a000000000000) },
		{ "255.255.65535+4294967295", UINT64_MAX },
	};
	uint64_t before = 0;

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint64_t got = 1;
		uint8_t text[ROTA_VERSION_TEXT_MAX];

		ROW(rows[i].text);
		CHECK_OK(rota_version_parse(rota_span_cstr(rows[i].text), &got));
		CHECK(got == rows[i].version);
		CHECK(i == 0 || got > before);
		before = got;
		CHECK_EQ(rota_version_format(got, text), strlen(rows[i].text));
		CHECK_MEM(text, rows[i].text, strlen(rows[i].text));
	}
}

TEST(bad_versions_are_refused)
{
	static const struct {
		const char *reason, *text;
	} rows[] = {
		{ "empty", "" },
		{ "two parts", "1.2" },
		{ "four parts", "1.2.3.4" },
		{ "empty part", "1..3" },
		{ "dot at the end", "1.2." },
		{ "leading zero", "01.2.3" },
		{ "leading zero later", "1.02.3" },
		{ "zero twice", "1.00.3" },
		{ "major 256", "256.0.0" },
		{ "minor 256", "0.256.0" },
		{ "revision 65536", "0.0.65536" },
		{ "build 2^32", "0.0.0+4294967296" },
		{ "build beyond 64 bits", "0.0.0+99999999999999999999999" },
		{ "build 0 has a shorter spelling", "1.2.3+0" },
		{ "empty build", "1.2.3+" },
		{ "build with a leading zero", "1.2.3+01" },
		{ "pre-release", "1.2.3-rc1" },
		{ "prefix", "v1.2.3" },
		{ "minus", "-1.2.3" },
		{ "blank", "1.2.3 " },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint64_t got;

		ROW(rows[i].reason);
		CHECK_EQ(rota_version_parse(rota_span_cstr(rows[i].text), &got), ROTA_ERR_FORMAT);
	}
}

TEST(names)
{
	static const struct {
		const char *reason, *text;
		bool valid;
	} rows[] = {
		{ "one letter", "a", true },
		{ "digit first", "9x", true },
		{ "all kinds", "a.b_c-1", true },
		{ "32 bytes", "abcdefghijklmnopqrstuvwxyz012345", true },
		{ "33 bytes", "abcdefghijklmnopqrstuvwxyz0123456", false },
		{ "empty", "", false },
		{ "dot first", ".a", false },
		{ "dash first", "-a", false },
		{ "capital", "aB", false },
		{ "slash", "a/b", false },
		{ "blank", "a b", false },
		{ "not ASCII", "a\xc3\xa9", false },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		ROW(rows[i].reason);
		CHECK_EQ(rota_name_valid(rota_span_cstr(rows[i].text)), rows[i].valid);
	}
}

TEST(target_paths)
{
	static const struct {
		const char *reason, *text;
		bool valid;
	} rows[] = {
		{ "one segment", "a", true },
		{ "a release", "releases/sensor/1.2.3+4/release.json", true },
		{ "dots inside a segment", "a/..b/c..", true },
		{ "empty", "", false },
		{ "absolute", "/a", false },
		{ "slash at the end", "a/", false },
		{ "empty segment", "a//b", false },
		{ "dot", "a/./b", false },
		{ "dot dot", "a/../b", false },
		{ "dot dot first", "../b", false },
		{ "dot dot last", "a/..", false },
		{ "backslash", "a\\b", false },
		{ "per cent", "a%2f..", false },
		{ "query", "a?b", false },
		{ "colon", "c:a", false },
		{ "blank", "a b", false },
		{ "newline", "a\n", false },
		{ "not ASCII", "\xc3\xa9", false },
	};
	uint8_t longest[ROTA_PATH_MAX + 1];

	for (size_t i = 0; i < ROWS(rows); i++) {
		ROW(rows[i].reason);
		CHECK_EQ(rota_path_valid(rota_span_cstr(rows[i].text)), rows[i].valid);
	}
	ROW(NULL);
	memset(longest, 'a', sizeof(longest));
	CHECK(rota_path_valid(rota_span(longest, ROTA_PATH_MAX)));
	CHECK(!rota_path_valid(ROTA_SPAN(longest)));
	CHECK(!rota_path_valid(ROTA_STR("a\0b")));
}

TEST(patterns)
{
	static const struct {
		const char *pattern, *path;
		bool match;
	} rows[] = {
		{ "releases/*/*/*", "releases/sensor/1.2.3/release.json", true },
		{ "releases/*/*/*", "releases/sensor/release.json", false },
		{ "releases/*/*/*", "releases/sensor/1.2.3/x/release.json", false },
		{ "releases/*/*/*", "releases/sensor//release.json",
			true }, /* paths are checked elsewhere */
		{ "rollouts/*", "rollouts/sensor.json", true },
		{ "rollouts/*", "rollouts", false },
		{ "rollouts/*", "xrollouts/a", false },
		{ "*", "a", true },
		{ "*", "", true },
		{ "*", "a/b", false },
		{ "*/b", "a/b", true },
		{ "a*b*c", "aXbYbZc", true },
		{ "a*b*c", "aXbYbZ", false },
		{ "a*b/c*d", "axxb/cyyd", true },
		{ "a*b/c*d", "axx/bcyyd", false },
		{ "*.tar", "x.tar.tar", true },
		{ "??", "ab", true },
		{ "??", "a", false },
		{ "a?b", "a/b", false },
		{ "?*", "a", true },
		{ "", "", true },
		{ "", "a", false },
		{ "a", "A", false },
		{ "**", "abc", true },
		{ "[a]", "a", false },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		ROW(rows[i].pattern);
		CHECK_EQ(rota_path_match(
				 rota_span_cstr(rows[i].pattern), rota_span_cstr(rows[i].path)),
			rows[i].match);
	}
}

TESTS(T(times_both_ways), T(a_time_past_the_last_is_the_last), T(times_go_round),
	T(bad_times_are_refused), T(versions_both_ways_and_in_order), T(bad_versions_are_refused),
	T(names), T(target_paths), T(patterns))
