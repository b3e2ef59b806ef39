/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/base/span.h"
#include "rota/base/mem.h"

struct rota_span rota_span_cstr(const char *s)
{
	size_t len = 0;

	while (s[len] != '\0')
		len++;
	return rota_span(s, len);
}

bool rota_span_eq(struct rota_span a, struct rota_span b)
{
	return a.len == b.len && rota_span_starts(a, b);
}

bool rota_span_is(struct rota_span s, const char *text)
{
	size_t i = 0;

	while (i < s.len && text[i] != '\0' && s.p[i] == (uint8_t)text[i])
		i++;
	return i == s.len && text[i] == '\0';
}

int rota_span_cmp(struct rota_span a, struct rota_span b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common == 0 ? 0 : memcmp(a.p, b.p, common);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool rota_span_starts(struct rota_span s, struct rota_span prefix)
{
	return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.p, prefix.p, prefix.len) == 0);
}

struct rota_span rota_span_slice(struct rota_span s, size_t from, size_t len)
{
	s = rota_span_skip(s, from);
	if (len < s.len)
		s.len = len;
	return s;
}

struct rota_span rota_span_skip(struct rota_span s, size_t n)
{
	if (n >= s.len)
		return rota_span(NULL, 0);
	return rota_span(s.p + n, s.len - n);
}
