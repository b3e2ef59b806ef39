/* SPDX-License-Identifier: Apache-2.0 */
/* rota/crypto/factory.h -- what a device's identity signs of its own making (SPEC 28.1): apart from all else that it
 * signs. */
#ifndef ROTA_CRYPTO_FACTORY_H
#define ROTA_CRYPTO_FACTORY_H

#include "rota/port/crypto.h"

#define ROTA_FACTORY_PREFIX "rota-factory-v1"

/* SHA-256 of the prefix and of what is said. */
void rota_factory_digest(const struct rota_crypto *crypto, struct rota_span said,
	uint8_t out[static ROTA_SHA256_LEN]);

#endif
