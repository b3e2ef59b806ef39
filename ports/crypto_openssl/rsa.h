/* SPDX-License-Identifier: Apache-2.0 */
/* ports/crypto_openssl/rsa.h -- the RSA-PSS part of the port. */
#ifndef PORTS_CRYPTO_OPENSSL_RSA_H
#define PORTS_CRYPTO_OPENSSL_RSA_H

#include "rota/port/crypto.h"

/* As verify_digest of rota/port/crypto.h, for ROTA_ALG_RSA_PSS: MGF1 with SHA-256, a salt of 32 bytes. */
enum rota_err crypto_openssl_rsa_verify(
	struct rota_span key, struct rota_span sig, const uint8_t digest[static ROTA_SHA256_LEN]);

#endif
