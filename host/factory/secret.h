/* SPDX-License-Identifier: Apache-2.0 */
/* host/factory/secret.h -- a factory secret on its way to who seals campaigns (SPEC 28.7).
 *
 * The device draws it and keeps it; what goes out is the psk that follows from it, sealed to one point: enc (65) ||
 * ciphertext (32) || tag (16) || signature (64). Anybody can seal to a point, and whoever carries the point can carry
 * another one. So the identity signs what was sealed and to which point: the station compares the point with its own, and
 * who opens it knows that no hand on the way put in a psk of its choice.
 */
#ifndef HOST_FACTORY_SECRET_H
#define HOST_FACTORY_SECRET_H

#include "rota/crypto/datakey.h"
#include "rota/crypto/hpke.h"
#include "rota/port/rot.h"

#define ROTA_FACTORY_SEALED_LEN (ROTA_HPKE_ENC_LEN + ROTA_PSK_LEN + ROTA_HPKE_OVERHEAD)
#define ROTA_FACTORY_SECRET_LEN (ROTA_FACTORY_SEALED_LEN + ROTA_P256_SIG_LEN)

#define ROTA_SECRET_PREFIX "rota-secret-v1" /* SPEC 28.1 */

/* What the identity signs: SHA-256(prefix || point || device id || what was sealed). */
void rota_factory_secret_digest(const struct rota_crypto *crypto,
	const uint8_t to[static ROTA_P256_KEY_LEN], const uint8_t device[static ROTA_DEVICE_LEN],
	const uint8_t sealed[static ROTA_FACTORY_SEALED_LEN], uint8_t out[static ROTA_SHA256_LEN]);

/* The device's side. Errors as rota_hpke_seal() and the root of trust. */
ROTA_MUST_USE enum rota_err rota_factory_secret_seal(const struct rota_hpke *hpke,
	const struct rota_p256 *p256, const struct rota_rot *rot,
	const uint8_t to[static ROTA_P256_KEY_LEN], const uint8_t device[static ROTA_DEVICE_LEN],
	const uint8_t psk[static ROTA_PSK_LEN], uint8_t out[static ROTA_FACTORY_SECRET_LEN]);

/* Whether this device sealed it, to this point. ROTA_ERR_FORMAT: another length. ROTA_ERR_SIGNATURE. */
ROTA_MUST_USE enum rota_err rota_factory_secret_check(const struct rota_crypto *crypto,
	const uint8_t identity[static ROTA_P256_KEY_LEN],
	const uint8_t to[static ROTA_P256_KEY_LEN], const uint8_t device[static ROTA_DEVICE_LEN],
	struct rota_span secret);

/* Of one that was checked. The caller wipes. Errors as rota_hpke_open(). */
ROTA_MUST_USE enum rota_err rota_factory_secret_open(const struct rota_hpke *hpke,
	const struct rota_agreement *own, const uint8_t device[static ROTA_DEVICE_LEN],
	const uint8_t secret[static ROTA_FACTORY_SECRET_LEN], uint8_t psk[static ROTA_PSK_LEN]);

#endif
