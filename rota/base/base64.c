/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/base/base64.h"

/* Six bits of a letter, 64 when it is none. Without branches: which letter comes next nobody can guess, and a wrong guess costs a
 * processor more than all of this. */
static uint32_t letter(uint8_t byte)
{
	const uint32_t c = byte, upper = c - 'A', lower = c - 'a', digit = c - '0';
	uint32_t six = c == '+' ? 62 : 64;

	six = c == '/' ? 63 : six;
	six = upper < 26 ? upper : six;
	six = lower < 26 ? lower + 26 : six;
	return digit < 10 ? digit + 52 : six;
}

/* How many bytes the last group of four stands for: 3, or fewer for each '='. */
static size_t tail_len(const uint8_t *group)
{
	if (group[3] != '=')
		return 3;
	return group[2] != '=' ? 2 : 1;
}

enum rota_err rota_base64_group(const uint8_t letters[static 4], size_t bytes, uint8_t *to)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		uint32_t six = i <= bytes ? letter(letters[i]) : letters[i] == '=' ? 0 : 64;

		if (six > 63)
			return ROTA_ERR_FORMAT;
		bits = bits << 6 | six;
	}
	if ((bits << (8 * bytes) & 0xffffffu) != 0)
		return ROTA_ERR_FORMAT; /* RFC 4648, 3.5: bits under the padding */
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(bits >> (16 - 8 * i));
	return ROTA_OK;
}

enum rota_err rota_base64_decode(struct rota_span text, struct rota_buf to, size_t *len)
{
	size_t used = 0;

	if (text.len % 4 != 0)
		return ROTA_ERR_FORMAT;
	for (size_t at = 0; at < text.len; at += 4) {
		size_t bytes = at + 4 == text.len ? tail_len(text.p + at) : 3;

		if (bytes > to.len - used)
			return ROTA_ERR_LIMIT;
		ROTA_TRY(rota_base64_group(text.p + at, bytes, to.p + used));
		used += bytes;
	}
	*len = used;
	return ROTA_OK;
}

static uint8_t letter_of(uint32_t six)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	return (uint8_t)letters[six & 63];
}

/* The group of the first 1 to 3 of `left` bytes. */
static void group_of(const uint8_t *bytes, size_t left, uint8_t *to)
{
	uint32_t bits = (uint32_t)bytes[0] << 16;

	if (left > 1)
		bits |= (uint32_t)bytes[1] << 8;
	if (left > 2)
		bits |= bytes[2];
	to[0] = letter_of(bits >> 18);
	to[1] = letter_of(bits >> 12);
	to[2] = left > 1 ? letter_of(bits >> 6) : '=';
	to[3] = left > 2 ? letter_of(bits) : '=';
}

enum rota_err rota_base64_encode(struct rota_span bytes, struct rota_buf to, size_t *len)
{
	size_t groups = bytes.len / 3 + (bytes.len % 3 > 0);

	if (groups > to.len / 4)
		return ROTA_ERR_LIMIT;
	for (size_t i = 0; i < groups; i++)
		group_of(bytes.p + 3 * i, bytes.len - 3 * i, to.p + 4 * i);
	*len = 4 * groups;
	return ROTA_OK;
}
