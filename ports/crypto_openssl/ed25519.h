/* SPDX-License-Identifier: Apache-2.0 */
/* ports/crypto_openssl/ed25519.h -- the Ed25519 part of the port. */
#ifndef PORTS_CRYPTO_OPENSSL_ED25519_H
#define PORTS_CRYPTO_OPENSSL_ED25519_H

#include "rota/port/crypto.h"

/* As verify_begin, verify_update and verify_finish of rota/port/crypto.h, for ROTA_ALG_ED25519. */
enum rota_err crypto_openssl_ed25519_begin(
	struct rota_verify *v, struct rota_span key, struct rota_span sig);
void crypto_openssl_ed25519_update(struct rota_verify *v, struct rota_span data);
enum rota_err crypto_openssl_ed25519_finish(struct rota_verify *v);

#endif
