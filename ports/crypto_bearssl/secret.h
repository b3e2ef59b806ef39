/* SPDX-License-Identifier: Apache-2.0 */
/* ports/crypto_bearssl/secret.h -- rota/port/aead.h and rota/port/p256.h on BearSSL, for microcontrollers.
 *
 * No allocation, no writable static data. Only what takes the same time for all secrets on cores whose wide
 * multiplications do not (Cortex-M3): AES as bit-slices (aes_ct), GHASH by 32-bit products (ghash_ctmul32), P-256 with
 * limbs of 13 bits (p256_m15), ECDSA with those of 15 bits (i15). A multiplication of a point takes about 3.2 KB of
 * stack and 12 million instructions on a Cortex-M3.
 *
 * Signatures are deterministic (RFC 6979), so signing takes no randomness.
 *
 * BearSSL does not wipe what it computes with: after a call its place on the stack holds parts of secrets until
 * something else is written there.
 */
#ifndef PORTS_CRYPTO_BEARSSL_SECRET_H
#define PORTS_CRYPTO_BEARSSL_SECRET_H

#include "rota/port/aead.h"
#include "rota/port/p256.h"
#include "rota/port/random.h"

extern const struct rota_aead rota_aead_bearssl;

/* Does not move while `port` is in use: port.ctx points to it. */
struct rota_p256_bearssl {
	struct rota_p256 port;
	const struct rota_random *random;
};

/* random: what secrets are drawn from; kept. */
void rota_p256_bearssl_init(struct rota_p256_bearssl *p, const struct rota_random *random);

#endif
