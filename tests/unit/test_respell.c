/* SPDX-License-Identifier: Apache-2.0 */
#include "host/adapter/respell.h"
#include "host/base/json.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static struct rota_fail why;

TEST(one_meaning_has_one_spelling)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "{}", "{}" },
		{ " {\r\n\t\"b\" : 1 , \"a\": [ true ]\n}\n ", "{\"a\":[true],\"b\":1}" },
		{ "{\"\\u0061\":\"\\/\\u0041\\u000a\"}", "{\"a\":\"/A\\n\"}" },
		{ "{\"a\":\"\\ud83d\\ude00\"}", "{\"a\":\"\xf0\x9f\x98\x80\"}" },
		{ "{\"a\":\"\xf0\x9f\x98\x80\x7f\"}", "{\"a\":\"\xf0\x9f\x98\x80\x7f\"}" },
		{ "{\"a\":-1,\"b\":9007199254740991}", "{\"a\":-1,\"b\":9007199254740991}" },
		{ "{\"-0\":\"-0\",\"\\\"-0\":\"\\\\\"}", "{\"\\\"-0\":\"\\\\\",\"-0\":\"-0\"}" },
		/* by UTF-8 bytes, in which U+FFFD stands before U+1F600; as UTF-16 it would not */
		{ "{\"\xf0\x9f\x98\x80\":1,\"\xef\xbf\xbd\":2}",
			"{\"\xef\xbf\xbd\":2,\"\xf0\x9f\x98\x80\":1}" },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct rota_bytes out;

		ROW(rows[i].in);
		CHECK_OK(rota_respell(rota_span_cstr(rows[i].in), &out, &why));
		CHECK(rota_span_eq(rota_bytes_span(&out), rota_span_cstr(rows[i].out)));
		CHECK(out.len <= strlen(rows[i].in));
		rota_bytes_free(&out);
	}
	ROW(NULL);
}

TEST(what_has_more_than_one_reading_is_refused)
{
	static const struct {
		const char *reason, *in;
	} rows[] = {
		{ "a name twice", "{\"a\":1,\"a\":1}" },
		{ "a name twice, once escaped", "{\"a\":1,\"\\u0061\":2}" },
		{ "a name twice, inside", "{\"a\":{\"b\":1,\"b\":2}}" },
		{ "minus zero", "{\"a\":-0}" },
		{ "minus zero in a list", "{\"a\":[1,-0]}" },
		{ "minus zero after an escaped quote", "{\"a\":\"\\\"\",\"b\":-0}" },
		{ "minus zero after an escaped backslash", "{\"a\":\"\\\\\",\"b\":-0}" },
		{ "minus zero as a fraction", "{\"a\":-0.0}" },
		{ "1.0", "{\"a\":1.0}" },
		{ "1e0", "{\"a\":1e0}" },
		{ "2^53", "{\"a\":9007199254740992}" },
		{ "-2^53", "{\"a\":-9007199254740992}" },
		{ "2^64", "{\"a\":18446744073709551616}" },
		{ "leading zero", "{\"a\":01}" },
		{ "plus sign", "{\"a\":+1}" },
		{ "NUL in a string", "{\"a\":\"\\u0000\"}" },
		{ "NUL in a name", "{\"a\\u0000b\":1}" },
		{ "high surrogate alone", "{\"a\":\"\\ud83d\"}" },
		{ "high surrogate before a letter", "{\"a\":\"\\ud83dx\"}" },
		{ "low surrogate alone", "{\"a\":\"\\ude00\"}" },
		{ "surrogates the other way round", "{\"a\":\"\\ude00\\ud83d\"}" },
		{ "a surrogate as UTF-8", "{\"a\":\"\xed\xa0\xbd\"}" },
		{ "overlong UTF-8", "{\"a\":\"\xc0\xaf\"}" },
		{ "UTF-8 beyond U+10FFFF", "{\"a\":\"\xf4\x90\x80\x80\"}" },
		{ "UTF-8 cut off", "{\"a\":\"\xe2\x82\"}" },
		{ "a raw newline in a string", "{\"a\":\"\n\"}" },
		{ "byte order mark", "\xef\xbb\xbf{}" },
		{ "a second value", "{}{}" },
		{ "letters behind", "{} x" },
		{ "a comment", "{/* */}" },
		{ "single quotes", "{'a':1}" },
		{ "comma too many", "{\"a\":1,}" },
		{ "NaN", "{\"a\":NaN}" },
		{ "no object", "[]" },
		{ "nothing", "" },
		{ "nested beyond 12", "{\"a\":[[[[[[[[[[[[[]]]]]]]]]]]]]}" },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct rota_bytes out;

		ROW(rows[i].reason);
		CHECK_EQ(rota_respell(rota_span_cstr(rows[i].in), &out, &why), ROTA_ERR_FORMAT);
		CHECK(out.p == NULL);
		CHECK(why.text[0] != '\0');
	}
	ROW(NULL);
}

TEST(nul_bytes_and_length_have_limits)
{
	static const char nul[] = "{\"a\":\"\0\"}";
	struct rota_bytes out;
	uint8_t *large = malloc(ROTA_RESPELL_MAX + 1);

	CHECK_EQ(rota_respell(rota_span(nul, sizeof(nul) - 1), &out, &why), ROTA_ERR_FORMAT);
	CHECK(large != NULL);
	memset(large, ' ', ROTA_RESPELL_MAX + 1);
	memcpy(large, "{}", 2);
	CHECK_EQ(rota_respell(rota_span(large, ROTA_RESPELL_MAX + 1), &out, &why), ROTA_ERR_LIMIT);
	CHECK_OK(rota_respell(rota_span(large, ROTA_RESPELL_MAX), &out, &why));
	CHECK_EQ(out.len, 2);
	rota_bytes_free(&out);
	free(large);
}

TESTS(T(one_meaning_has_one_spelling), T(what_has_more_than_one_reading_is_refused),
	T(nul_bytes_and_length_have_limits))
