/* SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_API_COMPAT 10101 /* its random method may be replaced only by a call of that time */
#include "tests/powercut/chance.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

static uint64_t stream; /* OpenSSL's: its method takes no context */

uint64_t chance_next(uint64_t *from)
{
	uint64_t z = *from += 0x9E3779B97F4A7C15;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
	return z ^ (z >> 31);
}

static int bytes(unsigned char *to, int len)
{
	for (int at = 0; at < len; at += 8) {
		uint64_t drawn = chance_next(&stream);

		memcpy(to + at, &drawn, len - at < 8 ? (size_t)(len - at) : 8);
	}
	return 1;
}

static int ready(void)
{
	return 1;
}

void chance_seed(uint64_t seed)
{
	static const RAND_METHOD method = { .bytes = bytes, .pseudorand = bytes, .status = ready };

	stream = seed;
	if (RAND_set_rand_method(&method) != 1)
		abort();
}
