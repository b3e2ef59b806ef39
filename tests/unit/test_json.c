/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner against SPEC 2: what it accepts, what it refuses and why, and its two streams. Every input is
 * fed whole and byte by byte, and both must say the same. */
#include "rota/codec/json.h"
#include "rota/base/mem.h"
#include "tests/unit/test.h"

#include <stdlib.h>

struct record {
	struct rota_json json;
	char tokens[600]; /* one letter a token, strings and numbers after it */
	char canonical[600];
	size_t canonical_len;
};

static enum rota_err on_token(struct rota_json *j)
{
	struct record *r = ROTA_JSON_OWNER(j, struct record, json);
	const struct rota_json_token *t = &j->token;
	size_t at = strlen(r->tokens);
	static const char letter[] = "i-{[}]stfn"; /* by enum rota_json_kind */

	snprintf(r->tokens + at, sizeof(r->tokens) - at, "%c", letter[t->kind]);
	at = strlen(r->tokens);
	if (t->kind == ROTA_JSON_STRING)
		snprintf(r->tokens + at, sizeof(r->tokens) - at, "%.*s%s;", (int)t->text.len,
			(const char *)t->text.p, t->cut ? "~" : "");
	if (t->kind == ROTA_JSON_INTEGER || t->kind == ROTA_JSON_NEGATIVE)
		snprintf(r->tokens + at, sizeof(r->tokens) - at, "%llu;",
			(unsigned long long)t->integer);
	return ROTA_OK;
}

static void on_canonical(struct rota_json *j, struct rota_span bytes)
{
	struct record *r = ROTA_JSON_OWNER(j, struct record, json);

	if (r->canonical_len + bytes.len > sizeof(r->canonical))
		abort();
	memcpy(r->canonical + r->canonical_len, bytes.p, bytes.len);
	r->canonical_len += bytes.len;
}

static enum rota_err scan(struct rota_span in, size_t piece, struct record *r)
{
	static const struct rota_json_sink sink = { on_token, on_canonical };
	uint8_t names[24], value[16];
	const struct rota_json_room room = { ROTA_BUF(value), ROTA_BUF(names) };
	enum rota_err err;

	memset(r, 0, sizeof(*r));
	rota_json_init(&r->json, &sink, &room);
	err = rota_json_feed(&r->json, rota_span(NULL, 0)); /* a read that brought nothing */
	for (size_t at = 0; err == ROTA_OK && at < in.len; at += piece)
		err = rota_json_feed(&r->json, rota_span_slice(in, at, piece));
	return err == ROTA_OK ? rota_json_end(&r->json) : err;
}

TEST(good_files_scan_to_their_tokens)
{
	static const struct {
		const char *in, *tokens;
	} good[] = {
		{ "{}", "{}" },
		{ "{\"\":null}", "{n}" },
		{ "{\"a\":1,\"b\":[-1,0,true,false,null,{}]}", "{i1;[-1;i0;tfn{}]}" },
		{ "{\"a\":9007199254740991}", "{i9007199254740991;}" },
		{ "{\"a\":{\"z\":1},\"ab\":{\"a\":[]},\"b\":\"\"}", "{{i1;}{[]}s;}" },
		{ "{\"a\":\"q\\\"b\\\\\"}", "{sq\"b\\;}" },
		{ "{\"a\":\"x\\n\\u0001\"}", "{sx\n\1;}" },
		{ "{\"\\u0001\":1,\"\\t\":2,\" \":3}", "{i1;i2;i3;}" },
		{ "{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}",
			"{s\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80;}" },
		{ "{\"a\":\"0123456789abcdefX\"}", "{s0123456789abcdef~;}" },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct record whole, bytes;
		struct rota_span in = rota_span_cstr(good[i].in);

		ROW(good[i].in);
		CHECK_OK(scan(in, in.len, &whole));
		CHECK_OK(scan(in, 1, &bytes));
		CHECK(strcmp(whole.tokens, good[i].tokens) == 0);
		CHECK(strcmp(bytes.tokens, good[i].tokens) == 0);
	}
}

TEST(bad_files_are_refused)
{
	static const struct {
		const char *reason, *in;
		enum rota_err err;
	} bad[] = {
		{ "empty", "", ROTA_ERR_SPELLING },
		{ "top level is no object", "[]", ROTA_ERR_SPELLING },
		{ "white space before", " {}", ROTA_ERR_SPELLING },
		{ "white space inside", "{ }", ROTA_ERR_SPELLING },
		{ "white space after a colon", "{\"a\": 1}", ROTA_ERR_SPELLING },
		{ "newline after the end", "{}\n", ROTA_ERR_SPELLING },
		{ "a second object", "{}{}", ROTA_ERR_SPELLING },
		{ "not closed", "{\"a\":1", ROTA_ERR_SPELLING },
		{ "closed by the wrong bracket", "{\"a\":[1}}", ROTA_ERR_SPELLING },
		{ "comma before the end", "{\"a\":1,}", ROTA_ERR_SPELLING },
		{ "comma before the end of an array", "{\"a\":[1,]}", ROTA_ERR_SPELLING },
		{ "name without value", "{\"a\"}", ROTA_ERR_SPELLING },
		{ "duplicate name", "{\"a\":1,\"a\":2}", ROTA_ERR_SPELLING },
		{ "duplicate empty name", "{\"\":1,\"\":2}", ROTA_ERR_SPELLING },
		{ "names descend", "{\"b\":1,\"a\":2}", ROTA_ERR_SPELLING },
		{ "names descend, the second one longer", "{\"b\":1,\"ab\":2}", ROTA_ERR_SPELLING },
		{ "a prefix after the longer name", "{\"ab\":1,\"a\":2}", ROTA_ERR_SPELLING },
		{ "descends at a later byte", "{\"ab\":1,\"aa\":2}", ROTA_ERR_SPELLING },
		{ "order by unescaped bytes", "{\"\\\\\":1,\"[\":2}", ROTA_ERR_SPELLING },
		{ "duplicate after a nested object", "{\"a\":{\"x\":1},\"a\":2}",
			ROTA_ERR_SPELLING },
		{ "float", "{\"a\":1.0}", ROTA_ERR_SPELLING },
		{ "exponent", "{\"a\":1e3}", ROTA_ERR_SPELLING },
		{ "leading zero", "{\"a\":01}", ROTA_ERR_SPELLING },
		{ "minus zero", "{\"a\":-0}", ROTA_ERR_SPELLING },
		{ "lone minus", "{\"a\":-}", ROTA_ERR_SPELLING },
		{ "plus", "{\"a\":+1}", ROTA_ERR_SPELLING },
		{ "2^53", "{\"a\":9007199254740992}", ROTA_ERR_SPELLING },
		{ "a hundred digits", "{\"a\":99999999999999999999999999999999999999999999}",
			ROTA_ERR_SPELLING },
		{ "misspelt literal", "{\"a\":trve}", ROTA_ERR_SPELLING },
		{ "literal cut", "{\"a\":tru}", ROTA_ERR_SPELLING },
		{ "NaN", "{\"a\":NaN}", ROTA_ERR_SPELLING },
		{ "raw control character", "{\"a\":\"\n\"}", ROTA_ERR_SPELLING },
		{ "escaped slash", "{\"a\":\"\\/\"}", ROTA_ERR_SPELLING },
		{ "escaped letter", "{\"a\":\"\\u0041\"}", ROTA_ERR_SPELLING },
		{ "escaped NUL", "{\"a\":\"\\u0000\"}", ROTA_ERR_SPELLING },
		{ "long form where a short one is", "{\"a\":\"\\u000a\"}", ROTA_ERR_SPELLING },
		{ "escape of more than a byte", "{\"a\":\"\\u0101\"}", ROTA_ERR_SPELLING },
		{ "upper-case hex", "{\"a\":\"\\u001F\"}", ROTA_ERR_SPELLING },
		{ "surrogate escape", "{\"a\":\"\\ud83d\\ude00\"}", ROTA_ERR_SPELLING },
		{ "overlong UTF-8", "{\"a\":\"\xc0\x80\"}", ROTA_ERR_SPELLING },
		{ "overlong three bytes", "{\"a\":\"\xe0\x80\x80\"}", ROTA_ERR_SPELLING },
		{ "UTF-8 surrogate", "{\"a\":\"\xed\xa0\x80\"}", ROTA_ERR_SPELLING },
		{ "above U+10FFFF", "{\"a\":\"\xf4\x90\x80\x80\"}", ROTA_ERR_SPELLING },
		{ "lone continuation", "{\"a\":\"\x80\"}", ROTA_ERR_SPELLING },
		{ "character cut by the quote", "{\"a\":\"\xc3\"}", ROTA_ERR_SPELLING },
		{ "character cut by an escape", "{\"a\":\"\xc3\\n\"}", ROTA_ERR_SPELLING },
		{ "names longer than the room", "{\"0123456789012345678901234\":1}",
			ROTA_ERR_LIMIT },
		{ "names together longer than the room", "{\"012345678901\":{\"0123456789012\":1}}",
			ROTA_ERR_LIMIT },
		{ "too deep", "{\"a\":[[[[[[[[[[[[]]]]]]]]]]]]}", ROTA_ERR_LIMIT },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct record r;
		struct rota_span in = rota_span_cstr(bad[i].in);

		ROW(bad[i].reason);
		CHECK_EQ(scan(in, in.len == 0 ? 1 : in.len, &r), bad[i].err);
		CHECK_EQ(scan(in, 1, &r), bad[i].err);
	}
}

TEST(a_byte_nul_is_refused)
{
	struct record r;

	CHECK_EQ(scan(ROTA_STR("{\"a\":\"x\0y\"}"), 1, &r), ROTA_ERR_SPELLING);
	CHECK_EQ(scan(ROTA_STR("{}\0"), 3, &r), ROTA_ERR_SPELLING);
}

/* SPEC 2.3: escaped control characters become raw, everything else stays, in pieces of any size. */
TEST(canonical_bytes_differ_only_in_control_characters)
{
	static const struct {
		const char *in, *canonical;
	} row[] = {
		{ "{\"a\":\"x\\ny\"}", "{\"a\":\"x\ny\"}" },
		{ "{\"a\":\"\\n\\n\"}", "{\"a\":\"\n\n\"}" },
		{ "{\"a\":\"\\u001f\"}", "{\"a\":\"\x1f\"}" },
		{ "{\"a\":\"\\\\n\\\"\"}", "{\"a\":\"\\\\n\\\"\"}" },
		{ "{\"a\\tb\":[1,\"\\r\",2]}", "{\"a\tb\":[1,\"\r\",2]}" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct rota_span in = rota_span_cstr(row[i].in);

		ROW(row[i].in);
		for (size_t piece = 1; piece <= in.len; piece++) {
			struct record r;

			CHECK_OK(scan(in, piece, &r));
			CHECK_EQ(r.canonical_len, strlen(row[i].canonical));
			CHECK_MEM(r.canonical, row[i].canonical, r.canonical_len);
		}
	}
}

/* A flush at BEGIN and END tokens cuts out exactly one value, brackets included. */
struct cut {
	struct record r;
	bool on;
};

static enum rota_err cut_token(struct rota_json *j)
{
	struct cut *c = ROTA_JSON_OWNER(j, struct cut, r.json);
	const struct rota_json_token *t = &j->token;

	if (t->depth != 1 || !rota_span_eq(rota_json_name(j, 0), ROTA_STR("signed")))
		return ROTA_OK;
	rota_json_flush(j, t->kind == ROTA_JSON_OBJECT_END);
	c->on = t->kind == ROTA_JSON_OBJECT_BEGIN;
	return ROTA_OK;
}

static void cut_canonical(struct rota_json *j, struct rota_span bytes)
{
	if (ROTA_JSON_OWNER(j, struct cut, r.json)->on)
		on_canonical(j, bytes);
}

TEST(flush_cuts_out_one_value)
{
	struct rota_span in =
		ROTA_STR("{\"a\":{\"x\":1},\"signed\":{\"k\":\"\\n\",\"l\":[{}]},\"z\":{}}");
	static const char want[] = "{\"k\":\"\n\",\"l\":[{}]}";

	for (size_t piece = 1; piece <= in.len; piece++) {
		static const struct rota_json_sink sink = { cut_token, cut_canonical };
		uint8_t names[24], value[16];
		const struct rota_json_room room = { ROTA_BUF(value), ROTA_BUF(names) };
		struct cut c = { .on = false };
		struct rota_json *j = &c.r.json;

		rota_json_init(j, &sink, &room);
		for (size_t at = 0; at < in.len; at += piece)
			CHECK_OK(rota_json_feed(j, rota_span_slice(in, at, piece)));
		CHECK_OK(rota_json_end(j));
		CHECK_EQ(c.r.canonical_len, sizeof(want) - 1);
		CHECK_MEM(c.r.canonical, want, sizeof(want) - 1);
	}
}

/* SPEC 2.2, by each byte that a backslash can stand before. */
TEST(a_backslash_escapes_what_it_may)
{
	static struct record r;
	uint8_t file[] = "{\"a\":\"\\?\"}";

	for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
		bool may = byte != 0 && strchr("\"\\btnfr", (int)byte) != NULL;

		file[7] = (uint8_t)byte;
		CHECK_EQ(scan(rota_span(file, sizeof(file) - 1), 1, &r) == ROTA_OK, may);
	}
}

/* Which of two errors comes first does not depend on the pieces that a file comes in. */
TEST(a_name_too_long_and_out_of_order)
{
	static struct record r;
	struct rota_span in = ROTA_STR("{\"b\":1,\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1}");

	for (size_t piece = 1; piece <= in.len; piece++)
		CHECK_EQ(scan(in, piece, &r), ROTA_ERR_SPELLING);
}

TESTS(T(good_files_scan_to_their_tokens), T(bad_files_are_refused), T(a_byte_nul_is_refused),
	T(a_backslash_escapes_what_it_may), T(a_name_too_long_and_out_of_order),
	T(canonical_bytes_differ_only_in_control_characters), T(flush_cuts_out_one_value))
