/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test.h -- a test program in one header: no allocation, no library, so it runs on a
 * microcontroller too.
 *
 * A test is `TEST(name) { CHECK(...); }`, listed in `TESTS(...)` at the end of the file. The first check
 * that fails ends its test. The program prints a line for each failure and a closing line of counts, and
 * exits with 1 when a test failed.
 */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <stdio.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
};

static int test_failed; /* of the running test */
static const char *test_row; /* names the table row under test, or NULL */

static inline void test_fail(const char *file, int line, const char *what)
{
	test_failed = 1;
	printf("%s:%d: %s%s%s%s\n", file, line, what, test_row ? " [row: " : "",
		test_row ? test_row : "", test_row ? "]" : "");
}

static inline void test_fail_eq(const char *file, int line, const char *got_text, long long got,
	const char *want_text, long long want)
{
	test_fail(file, line, got_text);
	printf("\tis %lld, not %s (%lld)\n", got, want_text, want);
}

#define TEST(name) static void name(void)

#define CHECK(expr)                                                                                \
	do {                                                                                       \
		if (!(expr)) {                                                                     \
			test_fail(__FILE__, __LINE__, #expr);                                      \
			return;                                                                    \
		}                                                                                  \
	} while (0)

/* Two integers (errors, lengths, versions); prints both. */
#define CHECK_EQ(got, want)                                                                        \
	do {                                                                                       \
		long long got_ = (long long)(got), want_ = (long long)(want);                      \
		if (got_ != want_) {                                                               \
			test_fail_eq(__FILE__, __LINE__, #got, got_, #want, want_);                \
			return;                                                                    \
		}                                                                                  \
	} while (0)

#define CHECK_OK(expr) CHECK_EQ(expr, 0)
#define CHECK_MEM(got, want, len) CHECK(memcmp((got), (want), (len)) == 0)

/* Name the row of a table of cases, for the failure line. */
#define ROW(text) (test_row = (text))

#define TESTS(...)                                                                                 \
	int main(void)                                                                             \
	{                                                                                          \
		static const struct test all[] = { __VA_ARGS__ };                                  \
		int failed = 0, count = (int)(sizeof(all) / sizeof(all[0]));                       \
		for (int i = 0; i < count; i++) {                                                  \
			test_failed = 0;                                                           \
			test_row = NULL;                                                           \
			all[i].run();                                                              \
			if (test_failed)                                                           \
				printf("FAIL %s\n", all[i].name);                                  \
			failed += test_failed;                                                     \
		}                                                                                  \
		printf("%d passed, %d failed, 0 skipped\n", count - failed, failed);               \
		return failed != 0;                                                                \
	}
#define T(name)                                                                                    \
	{                                                                                          \
#name, name                                                                        \
	}

#endif
