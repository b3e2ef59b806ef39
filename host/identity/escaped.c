/* SPDX-License-Identifier: Apache-2.0 */
#include "host/identity/escaped.h"
#include "rota/base/base64.h"

#include <string.h>

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----\n"

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Bytes of `text` in front of the first `c`, or all. */
static size_t run_until(struct rota_span text, uint8_t c)
{
	const uint8_t *at = text.len == 0 ? NULL : memchr(text.p, c, text.len);

	return at == NULL ? text.len : (size_t)(at - text.p);
}

/* Into `to`, which is at least as long as `text`. */
static enum rota_err unescape(struct rota_span text, uint8_t *to, size_t *len)
{
	size_t n = 0;

	for (;;) {
		size_t run = run_until(text, '%');
		int high, low;

		if (run > 0) /* an empty text has no address */
			memcpy(to + n, text.p, run);
		n += run;
		text = rota_span_skip(text, run);
		if (text.len == 0)
			break;
		if (text.len < 3)
			return ROTA_ERR_FORMAT;
		high = hex_value(text.p[1]);
		low = hex_value(text.p[2]);
		if (high < 0 || low < 0)
			return ROTA_ERR_FORMAT;
		to[n++] = (uint8_t)(high << 4 | low);
		text = rota_span_skip(text, 3);
	}
	*len = n;
	return ROTA_OK;
}

/* The base64 text without its line ends, in place. */
static struct rota_span join_lines(uint8_t *p, size_t len)
{
	struct rota_span rest = rota_span(p, len);
	size_t n = 0;

	while (rest.len > 0) {
		size_t run = run_until(rest, '\n');

		memmove(p + n, rest.p, run);
		n += run;
		rest = rota_span_skip(rest, run + 1);
	}
	return rota_span(p, n);
}

enum rota_err rota_escaped_cert(struct rota_span text, struct rota_buf der, size_t *len)
{
	static const size_t frame = sizeof(BEGIN) + sizeof(END) - 2;
	uint8_t pem[ROTA_CERT_ESCAPED_MAX];
	struct rota_span whole, tail;
	size_t pem_len = 0;

	*len = 0;
	if (text.len > sizeof(pem))
		return ROTA_ERR_LIMIT;
	ROTA_TRY(unescape(text, pem, &pem_len));
	whole = rota_span(pem, pem_len);
	if (pem_len <= frame || !rota_span_starts(whole, ROTA_STR(BEGIN)))
		return ROTA_ERR_FORMAT;
	tail = rota_span_skip(whole, pem_len - (sizeof(END) - 1));
	if (!rota_span_eq(tail, ROTA_STR(END)))
		return ROTA_ERR_FORMAT;
	return rota_base64_decode(join_lines(pem + sizeof(BEGIN) - 1, pem_len - frame), der, len);
}
