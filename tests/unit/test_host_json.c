/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"
#include "host/base/json.h"

static struct rota_fail why;

TEST(both_forms)
{
	static const struct {
		const char *in, *file, *canonical;
	} rows[] = {
		{ "{}", "{}", "{}" },
		{ "{ \"b\" : 1 , \"a\" : [ true, false, null ] }",
			"{\"a\":[true,false,null],\"b\":1}", "{\"a\":[true,false,null],\"b\":1}" },
		{ "{\"a\":\"x\\ny\"}", "{\"a\":\"x\\ny\"}", "{\"a\":\"x\ny\"}" },
		{ "{\"a\":\"\\u0001\\b\\f\\r\\t\"}", "{\"a\":\"\\u0001\\b\\f\\r\\t\"}",
			"{\"a\":\"\001\b\f\r\t\"}" },
		{ "{\"a\":\"\\u001f\"}", "{\"a\":\"\\u001f\"}", "{\"a\":\"\x1f\"}" },
		{ "{\"a\":\"\\\"\\\\\\/\"}", "{\"a\":\"\\\"\\\\/\"}", "{\"a\":\"\\\"\\\\/\"}" },
		{ "{\"a\":\"\\u00e9\"}", "{\"a\":\"\xc3\xa9\"}", "{\"a\":\"\xc3\xa9\"}" },
		{ "{\"a\":-0}", "{\"a\":0}", "{\"a\":0}" },
		{ "{\"a\":9007199254740991}", "{\"a\":9007199254740991}",
			"{\"a\":9007199254740991}" },
		{ "{\"\\u00e9\":1,\"z\":2,\"Z\":3,\"\":4}",
			"{\"\":4,\"Z\":3,\"z\":2,\"\xc3\xa9\":1}",
			"{\"\":4,\"Z\":3,\"z\":2,\"\xc3\xa9\":1}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_bytes out;
		json_t *value;

		ROW(rows[i].in);
		CHECK_OK(rota_json_parse(rota_span_cstr(rows[i].in), &value, &why));
		CHECK_OK(rota_json_encode(value, ROTA_JSON_FILE, &out, &why));
		CHECK(rota_span_eq(rota_bytes_span(&out), rota_span_cstr(rows[i].file)));
		rota_bytes_free(&out);
		CHECK_OK(rota_json_encode(value, ROTA_JSON_SIGNED, &out, &why));
		CHECK(rota_span_eq(rota_bytes_span(&out), rota_span_cstr(rows[i].canonical)));
		rota_bytes_free(&out);
		json_decref(value);
	}
}

TEST(values)
{
	static const struct {
		const char *in;
		size_t values;
	} rows[] = {
		{ "", 1 },
		{ "1", 1 },
		{ "{}", 2 }, /* what is empty counts twice */
		{ "{\"a\":1}", 2 },
		{ "{\"a\":[1,2,{\"b\":null}],\"c\":\"\"}", 7 },
		{ "{\"a\":\"[,{\"}", 2 },
		{ "{\"a\":\"\\\",[\"}", 2 },
		{ "{\"a\":\"\\\\\",\"b\":1}", 3 },
		{ "[[[[", 5 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].in);
		CHECK_EQ(rota_json_values(rota_span_cstr(rows[i].in)), rows[i].values);
	}
}

TEST(refused_by_strict)
{
	static const struct {
		const char *reason, *in;
	} rows[] = {
		{ "white space", "{\"a\": 1}" },
		{ "newline at the end", "{}\n" },
		{ "names out of order", "{\"b\":1,\"a\":2}" },
		{ "a name twice", "{\"a\":1,\"a\":2}" },
		{ "a fraction", "{\"a\":1.5}" },
		{ "beyond 2^53 - 1", "{\"a\":9007199254740992}" },
		{ "minus zero", "{\"a\":-0}" },
		{ "escape that is not needed", "{\"a\":\"\\/\"}" },
		{ "long escape", "{\"a\":\"\\u000a\"}" },
		{ "capital hex", "{\"a\":\"\\u001F\"}" },
		{ "escaped NUL", "{\"a\":\"\\u0000\"}" },
		{ "bad UTF-8", "{\"a\":\"\xff\"}" },
		{ "a list on top", "[]" },
		{ "nesting of 13", "{\"a\":[[[[[[[[[[[[1]]]]]]]]]]]]}" },
		{ "nesting of 13, the last empty", "{\"a\":[[[[[[[[[[[[]]]]]]]]]]]]}" },
		{ "empty", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *value;

		ROW(rows[i].reason);
		CHECK(rota_json_parse_strict(rota_span_cstr(rows[i].in), &value, &why) != ROTA_OK);
		CHECK(value == NULL);
	}
}

/* The bytes that are kept while a request is read are those that its parsed value has: what is judged is what is signed. */
TEST(what_is_signed)
{
	static const struct {
		const char *reason, *in;
	} rows[] = {
		{ "a value",
			"{\"body\":{\"signed\":{\"a\":1,\"b\":[true,null]}},\"kind\":"
			"\"metadata\"}" },
		{ "an empty one", "{\"body\":{\"signed\":{}}}" },
		{ "control characters", "{\"body\":{\"signed\":{\"a\\n\":\"x\\u001f\\\"\"}}}" },
		{ "others of its name",
			"{\"aside\":{\"signed\":{\"no\":1}},\"body\":{\"other\":{\"signed\":{"
			"\"no\":2}},"
			"\"signed\":{\"body\":{\"signed\":{\"a\":3}}}},\"signed\":{\"no\":4}}" },
		{ "none, but in a list", "{\"body\":[{\"signed\":{\"no\":1}}]}" },
		{ "none, but a list", "{\"body\":{\"signed\":[1]}}" },
		{ "none", "{\"signed\":{\"no\":1}}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_bytes kept, own = { 0 };
		const json_t *is;
		json_t *value;

		ROW(rows[i].reason);
		CHECK_OK(rota_json_parse_signed(
			rota_span_cstr(rows[i].in), "body", "signed", &value, &kept, &why));
		is = json_object_get(json_object_get(value, "body"), "signed");
		if (json_is_object(is))
			CHECK_OK(rota_json_encode(is, ROTA_JSON_SIGNED, &own, &why));
		CHECK(rota_span_eq(rota_bytes_span(&kept), rota_bytes_span(&own)));
		rota_bytes_free(&kept);
		rota_bytes_free(&own);
		json_decref(value);
	}
}

TEST(nesting_of_twelve)
{
	json_t *value;

	CHECK_OK(rota_json_parse_strict(ROTA_STR("{\"a\":[[[[[[[[[[[1]]]]]]]]]]]}"), &value, &why));
	json_decref(value);
}

TEST(text_that_is_no_utf8)
{
	json_t *list = json_pack("[s]", "\xff");
	struct rota_bytes out;

	CHECK(list == NULL);
	CHECK(rota_json_encode(list, ROTA_JSON_FILE, &out, &why) == ROTA_ERR_FORMAT);
}

TESTS(T(both_forms), T(text_that_is_no_utf8), T(values), T(refused_by_strict), T(what_is_signed),
	T(nesting_of_twelve))
