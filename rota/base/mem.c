/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/base/mem.h"

bool rota_mem_equal_ct(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a;
	const volatile uint8_t *y = b;
	uint8_t differ = 0;

	for (size_t i = 0; i < len; i++)
		differ = (uint8_t)(differ | (x[i] ^ y[i]));
	return differ == 0;
}

void rota_wipe(void *at, size_t len)
{
	volatile uint8_t *p = at;

	while (len-- > 0)
		*p++ = 0;
}
