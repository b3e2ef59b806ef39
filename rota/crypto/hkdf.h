/* SPDX-License-Identifier: Apache-2.0 */
/* rota/crypto/hkdf.h -- HKDF-SHA256 (RFC 5869): keys from a secret.
 *
 * What a key is expanded for comes in parts, one after the other, so that nobody builds a buffer.
 */
#ifndef ROTA_CRYPTO_HKDF_H
#define ROTA_CRYPTO_HKDF_H

#include "rota/port/crypto.h"

#define ROTA_HKDF_PRK_LEN ROTA_SHA256_LEN
#define ROTA_HKDF_OUT_MAX (255u * ROTA_SHA256_LEN) /* RFC 5869 2.3: the block number is a byte */

/* RFC 5869 2.2. `prk` may be what `salt` or `ikm` is. */
void rota_hkdf_extract(const struct rota_crypto *crypto, struct rota_span salt,
	struct rota_span ikm, uint8_t prk[static ROTA_HKDF_PRK_LEN]);

/* RFC 5869 2.3: fills `out`, which has no byte of `prk`.
 * ROTA_ERR_ARGUMENT: more than ROTA_HKDF_OUT_MAX; nothing is written. */
ROTA_MUST_USE enum rota_err rota_hkdf_expand(const struct rota_crypto *crypto,
	const uint8_t prk[static ROTA_HKDF_PRK_LEN], const struct rota_span *info, size_t parts,
	struct rota_buf out);

#endif
