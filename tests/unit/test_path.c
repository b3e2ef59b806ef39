/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/path.h"
#include "tests/unit/test.h"

static const struct {
	const char *pattern;
	const char *path;
	bool covers;
} rows[] = {
	{ "a/b", "a/b", true },
	{ "a/b", "a/bc", false },
	{ "a/bc", "a/b", false },
	{ "", "a", false },
	{ "*", "a", true },
	{ "*", "", true },
	{ "*", "a/b", false }, /* a star does not cross a slash */
	{ "releases/*/*/*", "releases/lamp/1.0.0/release.json", true },
	{ "releases/*/*/*", "releases/lamp/1.0.0/x/release.json", false },
	{ "releases/*/*/*", "releases/lamp/release.json", false },
	{ "rollouts/*", "rollouts/lamp.json", true },
	{ "rollouts/*", "rollouts/", true },
	{ "rollouts/*", "rollouts", false },
	{ "rollouts/*", "releases/lamp.json", false },
	{ "rollouts/*", "x/rollouts/lamp.json", false },
	{ "*/b", "a/b", true },
	{ "*/b", "a/x/b", false },
	{ "*b", "a/b", false },
	{ "a*/*c", "a/b/c", false },
	{ "a*/*c", "ab/bc", true },
	{ "a*b/c", "ab/ab/c", false }, /* nor does going back to an earlier segment's star */
	{ "*a/b*", "xa/c", false },
	{ "x*/b", "xa/a/b", false },
	{ "*.json", "a.json", true },
	{ "*.json", "a.json.exe", false },
	{ "*.json", ".json", true },
	{ "*ab*ab", "abxabxab", true },
	{ "*ab*ab", "abxabx", false },
	{ "**", "ab", true },
	{ "**", "a/b", false },
	{ "?", "a", true },
	{ "?", "", false },
	{ "?", "ab", false },
	{ "a?b", "a/b", false }, /* nor a question mark */
	{ "?/?", "a/b", true },
	{ "*?", "a", true },
	{ "*?", "", false },
	{ "a", "*", false }, /* a path has no patterns */
	{ "a", "?", false },
};

TEST(patterns_cover_what_they_say)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].path);
		CHECK_EQ(rota_path_match(
				 rota_span_cstr(rows[i].pattern), rota_span_cstr(rows[i].path)),
			rows[i].covers);
	}
	ROW(NULL);
}

/* Time is at most the product of the two lengths: a hostile pattern does not stall a device. */
TEST(many_stars_end)
{
	static char pattern[129], path[129];

	for (size_t i = 0; i < 128; i++) {
		pattern[i] = i % 2 == 0 ? '*' : 'a';
		path[i] = 'a';
	}
	pattern[127] = 'b';
	CHECK(!rota_path_match(rota_span_cstr(pattern), rota_span_cstr(path)));
}

TESTS(T(patterns_cover_what_they_say), T(many_stars_end))
