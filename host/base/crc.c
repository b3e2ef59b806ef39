/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/crc.h"
#include "rota/base/crc32.h"

#include <pthread.h>

/* Row k: the remainder of a byte with k bytes of zeros behind it. */
static uint32_t table[8][256];
static pthread_once_t built = PTHREAD_ONCE_INIT;

static void build(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t r = i;

		for (int bit = 0; bit < 8; bit++)
			r = r >> 1 ^ (r & 1 ? 0xEDB88320u : 0);
		table[0][i] = r;
	}
	for (size_t k = 1; k < 8; k++)
		for (size_t i = 0; i < 256; i++)
			table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 255];
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t rota_crc32_fast(uint32_t crc, struct rota_span data)
{
	size_t i = 0;

	pthread_once(&built, build);
	crc = ~crc;
	for (; data.len - i >= 8; i += 8) {
		uint32_t a = crc ^ le32(data.p + i), b = le32(data.p + i + 4);

		crc = table[7][a & 255] ^ table[6][a >> 8 & 255] ^ table[5][a >> 16 & 255] ^
			table[4][a >> 24] ^ table[3][b & 255] ^ table[2][b >> 8 & 255] ^
			table[1][b >> 16 & 255] ^ table[0][b >> 24];
	}
	return rota_crc32(~crc, rota_span_slice(data, i, data.len - i));
}
