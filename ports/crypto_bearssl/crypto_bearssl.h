/* SPDX-License-Identifier: Apache-2.0 */
/* ports/crypto_bearssl/crypto_bearssl.h -- rota/port/crypto.h on BearSSL, for microcontrollers.
 *
 * No allocation, no writable static data: the port is a constant and may be used from anywhere. Verifies
 * ECDSA P-256 only. Of BearSSL's curves it takes p256_m31, and where BearSSL's source is at hand only what
 * verification needs of it (p256.h): on a Cortex-M3 a verification is 13 million instructions and 2.3 KB of stack;
 * a refresh verifies about eight signatures. Its 32-bit multiplications are not constant-time on every core, which
 * matters to private keys, and none is here.
 */
#ifndef PORTS_CRYPTO_BEARSSL_CRYPTO_BEARSSL_H
#define PORTS_CRYPTO_BEARSSL_CRYPTO_BEARSSL_H

#include "rota/port/crypto.h"

extern const struct rota_crypto rota_crypto_bearssl;

#endif
