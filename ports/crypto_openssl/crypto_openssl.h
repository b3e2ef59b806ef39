/* SPDX-License-Identifier: Apache-2.0 */
/* ports/crypto_openssl/crypto_openssl.h -- rota/port/crypto.h on OpenSSL 3's libcrypto.
 *
 * Verifies ECDSA P-256 and P-384, Ed25519, and RSA-PSS. The port may be used from several threads at once; each context
 * belongs to one. The curve is set up once per process and kept.
 *
 * libcrypto verifies Ed25519 in one shot only, so the message of a streamed verification is staged in
 * memory: at most ROTA_CRYPTO_OPENSSL_STAGE_MAX bytes, and a longer one ends in ROTA_ERR_LIMIT. Metadata is
 * what is signed that way, and no session fetches more of it than this (SPEC 4.8).
 */
#ifndef PORTS_CRYPTO_OPENSSL_CRYPTO_OPENSSL_H
#define PORTS_CRYPTO_OPENSSL_CRYPTO_OPENSSL_H

#include "rota/port/crypto.h"

#define ROTA_CRYPTO_OPENSSL_STAGE_MAX ((size_t)16 << 20)

/* verify_begin() gives ROTA_ERR_FULL when there is no memory, verify_finish() when there was none for the
 * message; verify_digest() gives ROTA_ERR_UNSUPPORTED when libcrypto has no P-256. */
extern const struct rota_crypto rota_crypto_openssl;

#endif
