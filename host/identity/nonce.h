/* SPDX-License-Identifier: Apache-2.0 */
/* host/identity/nonce.h -- a server's nonce that nobody has to remember (SPEC 29.2, 35.2).
 *
 *     at (u64) || HMAC-SHA256(secret, "rota-nonce-v1" || what for || device id (32) || at)[0..24]
 *
 * It says when it was made, for which device and for what, so it is good for an hour, for that. All who have the secret make and
 * take the same ones. That one is used once only must follow from what it is used for.
 */
#ifndef HOST_IDENTITY_NONCE_H
#define HOST_IDENTITY_NONCE_H

#include "rota/crypto/hmac.h"

#define ROTA_NONCE_LEN 32
#define ROTA_NONCE_LIFE_S 3600
#define ROTA_NONCE_AHEAD_S 60 /* clocks of two who have the secret */

/* `key`: an HMAC begun with the secret, which is copied. what: a word, as "est" or "proof". */
void rota_nonce_make(const struct rota_crypto *crypto, const struct rota_hmac *key,
	const char *what, const uint8_t device[static ROTA_SHA256_LEN], uint64_t at_s,
	uint8_t out[static ROTA_NONCE_LEN]);

/* ROTA_ERR_SIGNATURE: never made here, or for another device or purpose. ROTA_ERR_EXPIRED: its hour is over, or has not come. */
ROTA_MUST_USE enum rota_err rota_nonce_check(const struct rota_crypto *crypto,
	const struct rota_hmac *key, const char *what, const uint8_t device[static ROTA_SHA256_LEN],
	uint64_t now_s, const uint8_t nonce[static ROTA_NONCE_LEN]);

#endif
