/* SPDX-License-Identifier: Apache-2.0 */
/* Method: BearSSL's own files are compiled in here, and the linker drops what nothing calls of them.
 *
 * Its multiplication of two points takes the generator from a table where it is given no second point; put into
 * the one place that calls it, with the generator as any other point, the table and all that reads it fall away.
 * Its verification offers three curves and has room for the largest; here it has the one curve, and room for that.
 * And six functions on its integers are here in short: nothing is secret, so they need not take the same time
 * for all numbers, and the modulus is always the order of the curve. */
#include <inner.h>
#include "ports/crypto_bearssl/p256.h"

#undef BR_MAX_EC_SIZE
#define BR_MAX_EC_SIZE 256 /* bits */
#define br_secp384r1 br_secp256r1 /* behind a test of the curve that never takes it */
#define br_secp521r1 br_secp256r1

static inline __attribute__((always_inline)) uint32_t api_muladd(unsigned char *A,
	const unsigned char *B, size_t len, const unsigned char *x, size_t xlen,
	const unsigned char *y, size_t ylen, int curve);

#include <ec/ec_p256_m31.c>
#include <ec/ecdsa_i31_vrfy_raw.c>

/* A becomes x * A + y * G. */
static uint32_t muladd(unsigned char *A, const unsigned char *B, size_t len, const unsigned char *x,
	size_t xlen, const unsigned char *y, size_t ylen, int curve)
{
	(void)B; /* NULL: the generator */
	return api_muladd(A, P256_G, len, x, xlen, y, ylen, curve);
}

/* BearSSL's integers (inner.h): a length in bits, with 32 for each whole word, then words of 31 bits, the least
 * significant first. */
#define WORDS (1 + (256 + 30) / 31)

uint32_t br_i31_bit_length(uint32_t *x, size_t xlen)
{
	uint32_t len;

	while (xlen > 0 && x[xlen - 1] == 0)
		xlen--;
	if (xlen == 0)
		return 0;
	len = (uint32_t)(xlen - 1) << 5;
	for (uint32_t top = x[xlen - 1]; top != 0; top >>= 1)
		len++;
	return len;
}

/* Big-endian, as long as the order. */
void br_i31_encode(void *dst, size_t len, const uint32_t *x)
{
	uint8_t *bytes = dst;

	for (size_t bit = 0; len-- > 0; bit += 8) {
		const uint32_t *word = &x[1 + bit / 31];
		uint32_t shift = bit % 31, byte = *word >> shift;

		if (shift > 31 - 8)
			byte |= word[1] << (31 - shift);
		bytes[len] = (uint8_t)byte;
	}
}

/* A digest as a number: it is as long as the order, so nothing is cut off. */
void br_ecdsa_i31_bits2int(uint32_t *x, const void *src, size_t len, uint32_t ebitlen)
{
	br_i31_decode(x, src, len);
	x[0] = ebitlen;
}

/* 1 when the big-endian number is below m. */
uint32_t br_i31_decode_mod(uint32_t *x, const void *src, size_t len, const uint32_t *m)
{
	br_i31_decode(x, src, len);
	x[0] = m[0];
	return br_i31_sub(x, m, 0); /* a comparison */
}

/* x becomes x * 2^(31 * words) modulo m: that many times doubled. */
void br_i31_to_monty(uint32_t *x, const uint32_t *m)
{
	for (uint32_t k = 31 * (WORDS - 1); k > 0; k--) {
		uint32_t carry = br_i31_add(x, x, 1);
		uint32_t below = br_i31_sub(x, m, 0);

		br_i31_sub(x, m, carry | (below ^ 1));
	}
}

void br_i31_from_monty(uint32_t *x, const uint32_t *m, uint32_t m0i)
{
	const uint32_t one[WORDS] = { m[0], 1 };
	uint32_t product[WORDS];

	br_i31_montymul(product, x, one, m, m0i);
	memcpy(x, product, sizeof(product));
}

static const br_ec_impl verify_only = { .supported_curves = (uint32_t)1 << BR_EC_secp256r1,
	.muladd = muladd };

const br_ec_impl *const rota_bearssl_p256 = &verify_only;
