/* SPDX-License-Identifier: Apache-2.0 */
#include "host/http/head.h"

#include <string.h>

enum phase {
	DONE,
	PLAIN, /* Content-Length bytes */
	SIZE, /* chunk size digits */
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	LAST_CR, /* after the chunk of size 0: no trailers */
	LAST_LF,
};

struct seen { /* headers that decide how the request is read */
	int host, length, coding, count;
};

/* RFC 9110, 5.6.2 */
static bool is_token(uint8_t c)
{
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return true;
	return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

/* The line up to CRLF, which is taken too; false when a CR or LF stands alone or none follows. */
static bool take_line(struct rota_span *rest, struct rota_span *line)
{
	const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->p, '\r', rest->len);
	size_t len = end == NULL ? 0 : (size_t)(end - rest->p);

	if (end == NULL || rest->len - len < 2 || end[1] != '\n' ||
		memchr(rest->p, '\n', len) != NULL)
		return false;
	*line = rota_span_slice(*rest, 0, len);
	*rest = rota_span_skip(*rest, len + 2);
	return true;
}

/* Bytes up to `end`, which is taken too. */
static bool take_until(struct rota_span *rest, uint8_t end, struct rota_span *out)
{
	const uint8_t *at = rest->len == 0 ? NULL : memchr(rest->p, end, rest->len);

	if (at == NULL)
		return false;
	*out = rota_span_slice(*rest, 0, (size_t)(at - rest->p));
	*rest = rota_span_skip(*rest, out->len + 1);
	return true;
}

static bool same_name(struct rota_span name, const char *lower)
{
	if (name.len != strlen(lower))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.p[i];

		if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != lower[i])
			return false;
	}
	return true;
}

static int request_line(struct rota_span line, struct rota_http_head *out)
{
	struct rota_span method;

	if (!take_until(&line, ' ', &method) || !take_until(&line, ' ', &out->target))
		return 400;
	if (out->target.len > ROTA_HTTP_TARGET_MAX)
		return 414;
	if (out->target.len == 0 || out->target.p[0] != '/')
		return 400;
	for (size_t i = 0; i < out->target.len; i++)
		if (out->target.p[i] <= ' ' || out->target.p[i] >= 0x7f || out->target.p[i] == '#')
			return 400;
	if (rota_span_eq(method, ROTA_STR("GET")))
		out->method = ROTA_HTTP_GET;
	else if (rota_span_eq(method, ROTA_STR("POST")))
		out->method = ROTA_HTTP_POST;
	else
		return 405;
	if (rota_span_eq(line, ROTA_STR("HTTP/1.1")))
		return 0;
	return rota_span_starts(line, ROTA_STR("HTTP/")) ? 505 : 400;
}

/* Digits only: no sign, no list, no blank (RFC 9110, 8.6). */
static int read_length(struct rota_span value, uint64_t max, uint64_t *out)
{
	*out = 0;
	if (value.len == 0)
		return 400;
	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return 400;
		if (*out <= max)
			*out = *out * 10 + (uint64_t)(value.p[i] - '0');
	}
	return *out > max ? 413 : 0;
}

static int known_header(struct rota_span name, struct rota_span value, struct rota_http_head *out,
	struct seen *seen)
{
	if (same_name(name, "host"))
		return ++seen->host > 1 || value.len == 0 ? 400 : 0;
	if (same_name(name, "content-length"))
		return ++seen->length > 1 ? 400 : read_length(value, out->body_max, &out->body_len);
	if (same_name(name, "transfer-encoding")) {
		out->chunked = true;
		if (++seen->coding > 1)
			return 400;
		return same_name(value, "chunked") ? 0 : 501;
	}
	if (same_name(name, "expect"))
		return 417;
	return 0;
}

static struct rota_span trim(struct rota_span s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = rota_span_skip(s, 1);
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* Visible bytes, blanks and tabs. To the end in any case: a certificate is a thousand of them, and there is nothing to guess. */
static bool is_printed(struct rota_span value)
{
	unsigned bad = 0;

	for (size_t i = 0; i < value.len; i++)
		bad |= (unsigned)(value.p[i] < ' ') & (unsigned)(value.p[i] != '\t');
	for (size_t i = 0; i < value.len; i++)
		bad |= (unsigned)(value.p[i] >= 0x7f);
	return bad == 0;
}

static int header_line(struct rota_span line, struct rota_http_head *out, struct seen *seen)
{
	struct rota_span name;

	if (++seen->count > ROTA_HTTP_HEADERS_MAX)
		return 431;
	if (!take_until(&line, ':', &name) || name.len == 0)
		return 400;
	for (size_t i = 0; i < name.len; i++)
		if (!is_token(name.p[i])) /* a blank before the colon, a folded line */
			return 400;
	return is_printed(line) ? known_header(name, trim(line), out, seen) : 400;
}

/* What the headers say together. */
static int framing(const struct rota_http_head *out, const struct seen *seen)
{
	if (seen->host != 1)
		return 400;
	if (seen->coding > 0 && seen->length > 0)
		return 400;
	if (out->method == ROTA_HTTP_POST)
		return seen->coding + seen->length == 0 ? 411 : 0;
	return out->chunked || out->body_len > 0 ? 400 : 0;
}

/* Length of the head with its empty line; 0 when it is not all there. */
static size_t head_len(struct rota_span in)
{
	const uint8_t *end = in.len == 0 ? NULL : memmem(in.p, in.len, "\r\n\r\n", 4);

	return end == NULL ? 0 : (size_t)(end - in.p) + 4;
}

int rota_http_head(struct rota_span in, uint64_t body_max, struct rota_http_head *out)
{
	struct seen seen = { 0 };
	struct rota_span rest, line;
	size_t len = head_len(rota_span_slice(in, 0, ROTA_HTTP_HEAD_MAX));
	int status;

	*out = (struct rota_http_head){ .body_max = body_max };
	if (len == 0)
		return in.len >= ROTA_HTTP_HEAD_MAX ? 431 : 0;
	rest = rota_span_slice(in, 0, len - 2);
	if (!take_line(&rest, &line))
		return 400;
	status = request_line(line, out);
	while (status == 0 && rest.len > 0)
		status = take_line(&rest, &line) ? header_line(line, out, &seen) : 400;
	if (status == 0)
		status = framing(out, &seen);
	if (status == 0)
		out->len = len;
	return status;
}

bool rota_http_header(struct rota_span in, const char *name, struct rota_span *value)
{
	struct rota_span line, key;
	int found = 0;

	*value = ROTA_STR("");
	(void)take_line(&in, &line); /* the request line */
	while (take_line(&in, &line))
		if (take_until(&line, ':', &key) && same_name(key, name)) {
			*value = found++ == 0 ? trim(line) : ROTA_STR("");
		}
	return found == 1;
}

struct rota_http_body rota_http_body(const struct rota_http_head *head)
{
	if (head->chunked)
		return (struct rota_http_body){ .phase = SIZE, .max = head->body_max };
	return (struct rota_http_body){ .phase = head->body_len > 0 ? PLAIN : DONE,
		.left = head->body_len,
		.max = head->body_max };
}

static int size_digit(struct rota_http_body *b, uint8_t c)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *at = c == '\0' ? NULL : strchr(digits, c);
	uint64_t value;

	if (c == '\r' && b->digits > 0) {
		b->phase = SIZE_LF;
		return 0;
	}
	if (at == NULL || b->digits == 8) /* a chunk extension is refused too */
		return 400;
	value = (uint64_t)(at - digits);
	b->left = b->left << 4 | (value >= 16 ? value - 6 : value);
	b->digits++;
	return b->total + b->left > b->max ? 413 : 0;
}

/* The byte `c` must be `want`; then comes `next`. */
static int expect(struct rota_http_body *b, uint8_t c, uint8_t want, enum phase next)
{
	b->phase = (uint8_t)next;
	return c == want ? 0 : 400;
}

static int frame_byte(struct rota_http_body *b, uint8_t c)
{
	switch ((enum phase)b->phase) {
	case SIZE:
		return size_digit(b, c);
	case SIZE_LF:
		return expect(b, c, '\n', b->left > 0 ? DATA : LAST_CR);
	case DATA_CR:
		return expect(b, c, '\r', DATA_LF);
	case DATA_LF:
		b->left = b->digits = 0;
		return expect(b, c, '\n', SIZE);
	case LAST_CR:
		return expect(b, c, '\r', LAST_LF);
	case LAST_LF:
		return expect(b, c, '\n', DONE);
	case DONE:
	case PLAIN:
	case DATA:
		break;
	}
	return 400;
}

static size_t take_data(struct rota_http_body *b, size_t room)
{
	size_t n = b->left < room ? (size_t)b->left : room;

	b->left -= n;
	b->total += n;
	if (b->left > 0)
		return n;
	b->phase = b->phase == PLAIN ? DONE : DATA_CR;
	return n;
}

int rota_http_body_feed(struct rota_http_body *b, struct rota_span in, size_t *taken)
{
	int status = 0;

	*taken = 0;
	while (status == 0 && *taken < in.len && b->phase != DONE) {
		if (b->phase == PLAIN || b->phase == DATA) {
			*taken += take_data(b, in.len - *taken);
			continue;
		}
		status = frame_byte(b, in.p[*taken]);
		(*taken)++;
	}
	return status;
}
