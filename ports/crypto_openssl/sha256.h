/* SPDX-License-Identifier: Apache-2.0 */
/* ports/crypto_openssl/sha256.h -- the digest part of the port. */
#ifndef PORTS_CRYPTO_OPENSSL_SHA256_H
#define PORTS_CRYPTO_OPENSSL_SHA256_H

#include "rota/port/crypto.h"

void crypto_openssl_sha256_init(struct rota_sha256 *h);
void crypto_openssl_sha256_update(struct rota_sha256 *h, struct rota_span data);
void crypto_openssl_sha256_final(const struct rota_sha256 *h, uint8_t out[static ROTA_SHA256_LEN]);

#endif
