/* SPDX-License-Identifier: Apache-2.0 */
/* ports/crypto_bearssl/p256.h -- the curve that signatures are verified on: BearSSL's p256_m31.
 *
 * p256_whole.c is that implementation as it is. p256_verify.c, where BearSSL's source is at hand, has only what
 * verification takes: on a Cortex-M3 3.5 KB of code and 500 bytes of stack less, and a verification takes a sixth
 * longer, since the generator is multiplied as any point is, without a table of its multiples.
 */
#ifndef PORTS_CRYPTO_BEARSSL_P256_H
#define PORTS_CRYPTO_BEARSSL_P256_H

#include <bearssl.h>

extern const br_ec_impl *const rota_bearssl_p256;

#endif
