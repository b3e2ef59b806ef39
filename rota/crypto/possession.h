/* SPDX-License-Identifier: Apache-2.0 */
/* rota/crypto/possession.h -- a device shows that it holds a new generation (SPEC 35.3).
 *
 * By an HMAC under its confirmation key, which follows from the secret that was delivered and from which nothing else
 * follows: the server, which has these keys to compare, can read no record with them. */
#ifndef ROTA_CRYPTO_POSSESSION_H
#define ROTA_CRYPTO_POSSESSION_H

#include "rota/codec/statement.h"

/* The proof that belongs into a statement of kind PROVED, of all else that stands there but its number. confirm: use 0
 * of SPEC 31.6, 32 bytes. Who compares does so with rota_mem_equal_ct(). */
void rota_possession(const struct rota_crypto *crypto, struct rota_span confirm,
	const struct rota_statement *s, uint8_t proof[static ROTA_SHA256_LEN]);

#endif
