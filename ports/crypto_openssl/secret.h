/* SPDX-License-Identifier: Apache-2.0 */
/* ports/crypto_openssl/secret.h -- rota/port/aead.h and rota/port/p256.h on OpenSSL 3's libcrypto.
 *
 * Both are constants and may be used from several threads at once. What is costly to set up, the curve and the room to
 * compute in, is set up once per process and once per thread, and freed as each ends. Randomness is libcrypto's own.
 *
 * Signatures are not deterministic.
 */
#ifndef PORTS_CRYPTO_OPENSSL_SECRET_H
#define PORTS_CRYPTO_OPENSSL_SECRET_H

#include "rota/port/aead.h"
#include "rota/port/p256.h"

extern const struct rota_aead rota_aead_openssl;
extern const struct rota_p256 rota_p256_openssl;

#endif
