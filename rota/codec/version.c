/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/version.h"

/* Parts as they are spelt: what stands before each, how far it is shifted, its greatest value. */
static const struct {
	uint8_t before;
	uint8_t shift;
	uint32_t most;
} parts[] = {
	{ 0, 56, UINT8_MAX },
	{ '.', 48, UINT8_MAX },
	{ '.', 32, UINT16_MAX },
	{ '+', 0, UINT32_MAX },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

/* A decimal number without leading zeros off the front of *text; UINT64_MAX when there is none up to
 * `most`. */
static uint64_t take_number(struct rota_span *text, uint32_t most)
{
	uint64_t n = 0;
	size_t digits = 0;

	while (digits < text->len && text->p[digits] >= '0' && text->p[digits] <= '9') {
		n = n * 10 + (uint64_t)(text->p[digits] - '0');
		digits++;
		if (n > most || (n == 0 && digits > 1))
			return UINT64_MAX;
	}
	if (digits == 0 || (digits > 1 && text->p[0] == '0'))
		return UINT64_MAX;
	*text = rota_span_skip(*text, digits);
	return n;
}

enum rota_err rota_version_parse(struct rota_span text, uint64_t *version)
{
	uint64_t v = 0;

	for (size_t i = 0; i < PARTS; i++) {
		bool build = parts[i].before == '+';
		uint64_t n;

		if (build && text.len == 0)
			break;
		if (parts[i].before != 0) {
			if (text.len == 0 || text.p[0] != parts[i].before)
				return ROTA_ERR_FORMAT;
			text = rota_span_skip(text, 1);
		}
		n = take_number(&text, parts[i].most);
		if (n == UINT64_MAX || (build && n == 0))
			return ROTA_ERR_FORMAT;
		v |= n << parts[i].shift;
	}
	if (text.len != 0)
		return ROTA_ERR_FORMAT;
	*version = v;
	return ROTA_OK;
}

static size_t put_number(uint32_t n, uint8_t *to)
{
	uint8_t digits[10];
	size_t len = 0;

	do {
		digits[len++] = (uint8_t)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	for (size_t i = 0; i < len; i++)
		to[i] = digits[len - 1 - i];
	return len;
}

size_t rota_version_format(uint64_t version, uint8_t text[static ROTA_VERSION_TEXT_MAX])
{
	size_t len = 0;

	for (size_t i = 0; i < PARTS; i++) {
		uint32_t n = (uint32_t)(version >> parts[i].shift) & parts[i].most;

		if (parts[i].before == '+' && n == 0)
			break;
		if (parts[i].before != 0)
			text[len++] = parts[i].before;
		len += put_number(n, text + len);
	}
	return len;
}
