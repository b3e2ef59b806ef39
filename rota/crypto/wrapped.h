/* SPDX-License-Identifier: Apache-2.0 */
/* rota/crypto/wrapped.h -- 32 bytes under a wrap key of the root of trust (SPEC 28.5), for backends whose wrap keys come
 * into RAM for one call.
 *
 *   place (u8) || nonce (12, drawn) || ciphertext (32) || tag (16)
 *
 * AES-256-GCM. The place says which key it was, and needs no protection: under another key nothing opens.
 */
#ifndef ROTA_CRYPTO_WRAPPED_H
#define ROTA_CRYPTO_WRAPPED_H

#include "rota/port/aead.h"
#include "rota/port/rot.h"

#define ROTA_WRAP_KEY_LEN 32

struct rota_wrapper {
	const struct rota_aead *aead;
	const struct rota_random *random;
};

/* ROTA_ERR_IO, ROTA_ERR_UNSUPPORTED: no random bytes. Else the AEAD's. */
ROTA_MUST_USE enum rota_err rota_wrapped_seal(const struct rota_wrapper *w,
	const uint8_t key[static ROTA_WRAP_KEY_LEN], enum rota_rot_wrap place, struct rota_span aad,
	const uint8_t secret[static ROTA_ROT_SECRET_LEN], uint8_t out[static ROTA_WRAPPED_LEN]);

/* Which wrap key to open `in` with. ROTA_ERR_FORMAT: there is no such place. */
ROTA_MUST_USE enum rota_err rota_wrapped_place(
	const uint8_t in[static ROTA_WRAPPED_LEN], enum rota_rot_wrap *place);

/* ROTA_ERR_SIGNATURE: forged, or for another aad or key; `secret` is zeros then. Else the AEAD's. */
ROTA_MUST_USE enum rota_err rota_wrapped_open(const struct rota_wrapper *w,
	const uint8_t key[static ROTA_WRAP_KEY_LEN], struct rota_span aad,
	const uint8_t in[static ROTA_WRAPPED_LEN], uint8_t secret[static ROTA_ROT_SECRET_LEN]);

#endif
