/* SPDX-License-Identifier: Apache-2.0 */
/* ports/crypto_openssl/p256.h -- the ECDSA P-256 part of the port. */
#ifndef PORTS_CRYPTO_OPENSSL_P256_H
#define PORTS_CRYPTO_OPENSSL_P256_H

#include "rota/port/crypto.h"

/* As verify_digest of rota/port/crypto.h, for ROTA_ALG_ECDSA_P256. */
enum rota_err crypto_openssl_p256_verify(
	struct rota_span key, struct rota_span sig, const uint8_t digest[static ROTA_SHA256_LEN]);

#endif
