/* SPDX-License-Identifier: Apache-2.0 */
/* Method: BearSSL's own files are compiled in here, and the linker drops what nothing calls of them.
 *
 * Its multiplication of two points takes the generator from a table where it is given no second point; put into
 * the one place that calls it, with the generator as any other point, the table and all that reads it fall away.
 * Its verification offers three curves and has room for the largest; here it has the one curve, and room for that.
 * And the way into Montgomery's representation, taken once, doubles instead of dividing. */
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

/* x becomes x * 2^(31 * words) modulo m (BearSSL's inner.h): that many times doubled. */
void br_i31_to_monty(uint32_t *x, const uint32_t *m)
{
	for (uint32_t k = 31 * ((m[0] + 31) >> 5); k > 0; k--) {
		uint32_t carry = br_i31_add(x, x, 1);
		uint32_t below = br_i31_sub(x, m, 0); /* a comparison */

		br_i31_sub(x, m, carry | (below ^ 1));
	}
}

static const br_ec_impl verify_only = { .supported_curves = (uint32_t)1 << BR_EC_secp256r1,
	.muladd = muladd };

const br_ec_impl *const rota_bearssl_p256 = &verify_only;
