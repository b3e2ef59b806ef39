/* SPDX-License-Identifier: Apache-2.0 */
/* ports/crypto_openssl/p384.h -- the ECDSA P-384 part of the port. */
#ifndef PORTS_CRYPTO_OPENSSL_P384_H
#define PORTS_CRYPTO_OPENSSL_P384_H

#include "rota/port/crypto.h"

/* As verify_begin, verify_update and verify_finish of rota/port/crypto.h, for ROTA_ALG_ECDSA_P384. */
enum rota_err crypto_openssl_p384_begin(
	struct rota_verify *v, struct rota_span key, struct rota_span sig);
void crypto_openssl_p384_update(struct rota_verify *v, struct rota_span data);
enum rota_err crypto_openssl_p384_finish(struct rota_verify *v);

#endif
