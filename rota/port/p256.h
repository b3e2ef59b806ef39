/* SPDX-License-Identifier: Apache-2.0 */
/* rota/port/p256.h -- P-256 with private keys in RAM: what a soft root of trust, an ephemeral key and a test take.
 *
 * Keys that a device keeps for long stand behind rota/port/rot.h; here are those that whoever calls holds anyway. All
 * of it in time that does not depend on a secret. A secret is a number from 1 to the order less 1, 32 bytes
 * big-endian; a point is 04 || X || Y (SEC 1, 2.3.3), and the peer's is checked as RFC 9180 7.1.4 says: coordinates
 * below the prime, on the curve, and so not the point at infinity, which has no such spelling.
 */
#ifndef ROTA_PORT_P256_H
#define ROTA_PORT_P256_H

#include "rota/port/crypto.h"

#define ROTA_P256_SECRET_LEN 32
#define ROTA_P256_DH_LEN 32

struct rota_p256 {
	void *ctx;

	/* A new pair. ROTA_ERR_IO, ROTA_ERR_UNSUPPORTED: no randomness (rota/port/random.h). ROTA_ERR_FULL: no memory;
	 * so of each function below. */
	enum rota_err (*make)(void *ctx, uint8_t secret[static ROTA_P256_SECRET_LEN],
		uint8_t point[static ROTA_P256_KEY_LEN]);

	/* dh: the X coordinate of secret times peer (SP 800-56A, 5.7.1.2).
	 * ROTA_ERR_FORMAT: peer is no point of the curve. ROTA_ERR_ARGUMENT: secret is out of range. */
	enum rota_err (*agree)(void *ctx, const uint8_t secret[static ROTA_P256_SECRET_LEN],
		const uint8_t peer[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN]);

	/* make() and agree() with a key that nobody else ever sees: one call, so that a port takes its fastest way.
	 * enc: its point. Errors are those of the two. */
	enum rota_err (*ephemeral)(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
		uint8_t enc[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN]);

	/* ECDSA, r || s. ROTA_ERR_ARGUMENT: secret is out of range. */
	enum rota_err (*sign)(void *ctx, const uint8_t secret[static ROTA_P256_SECRET_LEN],
		const uint8_t digest[static ROTA_SHA256_LEN],
		uint8_t sig[static ROTA_P256_SIG_LEN]);
};

#endif
