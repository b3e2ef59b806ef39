/* SPDX-License-Identifier: Apache-2.0 */
/* ports/crypto_openssl/ecdsa.h -- what the ECDSA parts of the port share. */
#ifndef PORTS_CRYPTO_OPENSSL_ECDSA_H
#define PORTS_CRYPTO_OPENSSL_ECDSA_H

#include "rota/base/span.h"

/* r || s as DER, which is what EVP takes. Returns its length, 0 on failure; the caller frees *der with
 * OPENSSL_free(). */
size_t crypto_openssl_ecdsa_der(struct rota_span raw, unsigned char **der);

#endif
