/* SPDX-License-Identifier: Apache-2.0 */
#include "host/http/head.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define HOST "Host: rotad\r\n"

struct row {
	const char *why, *text;
	size_t len; /* of the text where it holds a NUL, else 0 */
	int status;
};

static const struct row heads[] = {
	{ "a plain GET", "GET /healthz HTTP/1.1\r\n" HOST "\r\n", 0, 0 },
	{ "a POST", "POST /a HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 0, 0 },
	{ "an empty POST", "POST /a HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 0, 0 },
	{ "chunked", "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n", 0, 0 },
	{ "blanks around a value", "POST /a HTTP/1.1\r\n" HOST "Content-Length: \t5 \r\n\r\n", 0,
		0 },
	{ "length and coding",
		"POST /a HTTP/1.1\r\n" HOST
		"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		0, 400 },
	{ "coding and length",
		"POST /a HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
		0, 400 },
	{ "unknown coding", "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", 0,
		501 },
	{ "two codings", "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 0,
		501 },
	{ "coding twice",
		"POST /a HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		0, 400 },
	{ "two lengths that differ",
		"POST /a HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 0\r\n\r\n", 0,
		400 },
	{ "two lengths that agree",
		"POST /a HTTP/1.1\r\n" HOST "Content-Length: 5\r\ncontent-length: 5\r\n\r\n", 0,
		400 },
	{ "a list of lengths", "POST /a HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n", 0, 400 },
	{ "a length with a sign", "POST /a HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n", 0,
		400 },
	{ "a negative length", "POST /a HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 0, 400 },
	{ "a length with a letter", "POST /a HTTP/1.1\r\n" HOST "Content-Length: 5x\r\n\r\n", 0,
		400 },
	{ "no digits", "POST /a HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 0, 400 },
	{ "2^64 + 5", "POST /a HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551621\r\n\r\n", 0,
		413 },
	{ "one byte too long", "POST /a HTTP/1.1\r\n" HOST "Content-Length: 16385\r\n\r\n", 0,
		413 },
	{ "no length", "POST /a HTTP/1.1\r\n" HOST "\r\n", 0, 411 },
	{ "a GET with a body", "GET /a HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 0, 400 },
	{ "no host", "GET / HTTP/1.1\r\n\r\n", 0, 400 },
	{ "two hosts", "GET / HTTP/1.1\r\n" HOST "host: b\r\n\r\n", 0, 400 },
	{ "empty host", "GET / HTTP/1.1\r\nHost: \r\n\r\n", 0, 400 },
	{ "blank before the colon", "POST / HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\n", 0,
		400 },
	{ "folded header", "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 0, 400 },
	{ "header without colon", "GET / HTTP/1.1\r\n" HOST "nothing\r\n\r\n", 0, 400 },
	{ "empty name", "GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n", 0, 400 },
	{ "bare LF", "GET / HTTP/1.1\n" HOST "\r\n", 0, 400 },
	{ "bare CR in a value", "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", 0, 400 },
	{ "NUL in a value", "GET / HTTP/1.1\r\n" HOST "A: b\0c\r\n\r\n", 39, 400 },
	{ "byte above ASCII", "GET / HTTP/1.1\r\n" HOST "A: \xc3\xa4\r\n\r\n", 0, 400 },
	{ "expectation",
		"POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n", 0,
		417 },
	{ "another method", "PUT / HTTP/1.1\r\n" HOST "\r\n", 0, 405 },
	{ "lower-case method", "get / HTTP/1.1\r\n" HOST "\r\n", 0, 405 },
	{ "version 1.0", "GET / HTTP/1.0\r\n" HOST "\r\n", 0, 505 },
	{ "version 3.7", "GET / HTTP/3.7\r\n" HOST "\r\n", 0, 505 },
	{ "no version", "GET /\r\n" HOST "\r\n", 0, 400 },
	{ "two blanks", "GET  / HTTP/1.1\r\n" HOST "\r\n", 0, 400 },
	{ "absolute target", "GET http://x/ HTTP/1.1\r\n" HOST "\r\n", 0, 400 },
	{ "empty line first", "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 0, 400 },
};

TEST(heads_are_judged)
{
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		const struct row *r = &heads[i];
		size_t len = r->len ? r->len : strlen(r->text);
		struct rota_http_head head;

		ROW(r->why);
		CHECK_EQ(rota_http_head(rota_span(r->text, len), ROTA_HTTP_BODY_MAX, &head),
			r->status);
		CHECK_EQ(head.len, r->status == 0 ? len : 0);
	}
}

TEST(part_of_a_head_asks_for_more)
{
	static const char text[] = "POST /a HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello";
	struct rota_http_head head;

	for (size_t len = 0; len < sizeof(text) - 1 - 5; len++) {
		CHECK_EQ(rota_http_head(rota_span(text, len), ROTA_HTTP_BODY_MAX, &head), 0);
		CHECK_EQ(head.len, 0);
	}
	CHECK_EQ(rota_http_head(rota_span(text, sizeof(text) - 1), ROTA_HTTP_BODY_MAX, &head), 0);
	CHECK_EQ(head.len, sizeof(text) - 1 - 5);
	CHECK_EQ(head.body_len, 5);
	CHECK(rota_span_eq(head.target, ROTA_STR("/a")));
}

TEST(heads_have_limits)
{
	static char big[ROTA_HTTP_HEAD_MAX + 100];
	struct rota_http_head head;
	int n = snprintf(big, sizeof(big), "GET / HTTP/1.1\r\n" HOST "A: ");

	memset(big + n, 'x', sizeof(big) - (size_t)n);
	CHECK_EQ(rota_http_head(rota_span(big, ROTA_HTTP_HEAD_MAX - 1), ROTA_HTTP_BODY_MAX, &head),
		0);
	CHECK_EQ(
		rota_http_head(rota_span(big, ROTA_HTTP_HEAD_MAX), ROTA_HTTP_BODY_MAX, &head), 431);
	n = snprintf(big, sizeof(big), "GET / HTTP/1.1\r\n");
	for (int i = 0; i <= ROTA_HTTP_HEADERS_MAX; i++)
		n += snprintf(big + n, sizeof(big) - (size_t)n, "A: b\r\n");
	n += snprintf(big + n, sizeof(big) - (size_t)n, "\r\n");
	CHECK_EQ(rota_http_head(rota_span(big, (size_t)n), ROTA_HTTP_BODY_MAX, &head), 431);
	n = snprintf(big, sizeof(big), "GET /%0300d HTTP/1.1\r\n" HOST "\r\n", 1);
	CHECK_EQ(rota_http_head(rota_span(big, (size_t)n), ROTA_HTTP_BODY_MAX, &head), 414);
}

static const struct row bodies[] = {
	{ "two chunks", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", 0, 0 },
	{ "hex size", "0A\r\n0123456789\r\n0\r\n\r\n", 0, 0 },
	{ "no digits", "\r\nhello", 0, 400 },
	{ "bad digit", "5g\r\nhello\r\n", 0, 400 },
	{ "extension", "5;a=b\r\nhello\r\n", 0, 400 },
	{ "trailer", "0\r\nA: b\r\n\r\n", 0, 400 },
	{ "2^64", "10000000000000000\r\n", 0, 413 },
	{ "many zeros", "0000000005\r\nhello\r\n", 0, 400 },
	{ "data too long", "5\r\nhello!\r\n", 0, 400 },
	{ "bare LF after size", "5\nhello\r\n", 0, 400 },
};

/* In one piece and byte by byte. */
static int feed(const char *text, size_t step, bool *done)
{
	struct rota_http_head head = { .chunked = true, .body_max = ROTA_HTTP_BODY_MAX };
	struct rota_http_body b = rota_http_body(&head);
	struct rota_span rest = rota_span_cstr(text);
	int status = 0;

	while (status == 0 && rest.len > 0 && !rota_http_body_done(&b)) {
		size_t taken = 0;

		status = rota_http_body_feed(&b, rota_span_slice(rest, 0, step), &taken);
		rest = rota_span_skip(rest, taken);
	}
	*done = rota_http_body_done(&b) && rest.len == 0;
	return status;
}

TEST(chunks_are_judged)
{
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		bool done;

		ROW(bodies[i].why);
		CHECK_EQ(feed(bodies[i].text, 1000, &done), bodies[i].status);
		CHECK_EQ(done, bodies[i].status == 0);
		CHECK_EQ(feed(bodies[i].text, 1, &done), bodies[i].status);
		CHECK_EQ(done, bodies[i].status == 0);
	}
}

TEST(chunks_add_up_to_the_limit)
{
	struct rota_http_head head = { .chunked = true, .body_max = ROTA_HTTP_BODY_MAX };
	struct rota_http_body b = rota_http_body(&head);
	static char chunk[4096 + 16];
	size_t taken;
	int n = snprintf(chunk, sizeof(chunk), "1000\r\n");

	memset(chunk + n, 'x', 4096);
	memcpy(chunk + n + 4096, "\r\n", 2);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(rota_http_body_feed(&b, rota_span(chunk, (size_t)n + 4098), &taken), 0);
	CHECK_EQ(rota_http_body_feed(&b, ROTA_STR("1\r\n"), &taken), 413);
}

TEST(one_header_has_a_value)
{
	static const struct {
		const char *why, *lines, *value; /* NULL: none */
	} rows[] = {
		{ "as it is", "X-Who: a b\r\n", "a b" },
		{ "another case, blanks around", "x-wHO: \t a \r\n", "a" },
		{ "of no value", "X-Who:\r\n", "" },
		{ "missing", "X-Whom: a\r\n", NULL },
		{ "twice", "X-Who: a\r\nX-Who: a\r\n", NULL },
		{ "three times", "X-Who: a\r\nX-Who: b\r\nX-Who: a\r\n", NULL },
		{ "a longer name", "A-X-Who: a\r\n", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_http_head head;
		struct rota_span value;
		char text[256];

		ROW(rows[i].why);
		snprintf(text, sizeof(text), "GET /x-who:z HTTP/1.1\r\nHost: h\r\n%s\r\n",
			rows[i].lines);
		CHECK_EQ(rota_http_head(rota_span_cstr(text), ROTA_HTTP_BODY_MAX, &head), 0);
		CHECK_EQ(rota_http_header(rota_span_cstr(text), "x-who", &value),
			rows[i].value != NULL);
		CHECK(rota_span_eq(value, rota_span_cstr(rows[i].value ? rows[i].value : "")));
	}
}

TESTS(T(heads_are_judged), T(one_header_has_a_value), T(part_of_a_head_asks_for_more),
	T(heads_have_limits), T(chunks_are_judged), T(chunks_add_up_to_the_limit))
