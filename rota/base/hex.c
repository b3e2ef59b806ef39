/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/base/hex.h"

uint8_t rota_hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return (uint8_t)(byte - '0');
	if (byte >= 'a' && byte <= 'f')
		return (uint8_t)(byte - 'a' + 10);
	return 16;
}

enum rota_err rota_hex_decode(struct rota_span text, struct rota_buf to)
{
	uint32_t byte = 0;

	if (text.len % 2 != 0 || text.len / 2 != to.len)
		return ROTA_ERR_FORMAT;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t digit = rota_hex_digit(text.p[i]);

		if (digit > 15)
			return ROTA_ERR_FORMAT;
		byte = byte << 4 | digit;
		to.p[i / 2] = (uint8_t)byte;
	}
	return ROTA_OK;
}

/* The digit of the low four bits. */
static uint8_t letter(uint32_t bits)
{
	static const char digits[] = "0123456789abcdef";

	return (uint8_t)digits[bits & 15];
}

enum rota_err rota_hex_encode(struct rota_span bytes, struct rota_buf to)
{
	if (bytes.len > to.len / 2)
		return ROTA_ERR_LIMIT;
	for (size_t i = 0; i < bytes.len; i++) {
		to.p[2 * i] = letter((uint32_t)bytes.p[i] >> 4);
		to.p[2 * i + 1] = letter(bytes.p[i]);
	}
	return ROTA_OK;
}
