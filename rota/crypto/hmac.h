/* SPDX-License-Identifier: Apache-2.0 */
/* rota/crypto/hmac.h -- HMAC-SHA256 (RFC 2104) over rota/port/crypto.h.
 *
 * An hmac is a value: a copy is a snapshot. So whoever has one key for many messages begins once and copies, and the
 * key's two blocks are hashed once. It holds what follows from the key, and is as secret as that.
 *
 * Whether two are equal is asked with rota_mem_equal_ct().
 */
#ifndef ROTA_CRYPTO_HMAC_H
#define ROTA_CRYPTO_HMAC_H

#include "rota/port/crypto.h"

#define ROTA_HMAC_LEN ROTA_SHA256_LEN

struct rota_hmac {
	struct rota_sha256 inner, outer;
};

/* key: of any length; one above 64 bytes is hashed first. */
void rota_hmac_begin(struct rota_hmac *h, const struct rota_crypto *crypto, struct rota_span key);

void rota_hmac_update(struct rota_hmac *h, const struct rota_crypto *crypto, struct rota_span data);

/* Wipes `h`. */
void rota_hmac_end(
	struct rota_hmac *h, const struct rota_crypto *crypto, uint8_t out[static ROTA_HMAC_LEN]);

#endif
