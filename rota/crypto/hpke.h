/* SPDX-License-Identifier: Apache-2.0 */
/* rota/crypto/hpke.h -- one message sealed to a public key: HPKE (RFC 9180), SPEC 31.1.
 *
 * One suite: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM. Two modes: base, and psk, in which a secret that
 * both sides have already goes into the key as well, so that who learns one private key, or who can sign for a public
 * one, does not open or make messages. One message per key: the nonce is the base nonce, there is no sequence and no
 * exporter.
 *
 * Nothing secret is left behind on the stack by what is here; what a port leaves there is for the port to say.
 */
#ifndef ROTA_CRYPTO_HPKE_H
#define ROTA_CRYPTO_HPKE_H

#include "rota/port/aead.h"
#include "rota/port/crypto.h"
#include "rota/port/p256.h"

#define ROTA_HPKE_ENC_LEN ROTA_P256_KEY_LEN
#define ROTA_HPKE_OVERHEAD ROTA_AEAD_TAG_LEN
#define ROTA_HPKE_PSK_MIN 32 /* RFC 9180 9.5 */

struct rota_hpke {
	const struct rota_crypto *crypto;
	const struct rota_aead *aead;
};

/* Both empty: base mode. Else psk mode: psk of at least ROTA_HPKE_PSK_MIN bytes and an id that is not empty. */
struct rota_hpke_psk {
	struct rota_span psk, id;
};

/* Whoever holds the private key: software, or a root of trust. */
struct rota_agreement {
	void *ctx;
	const uint8_t *point; /* its own, ROTA_P256_KEY_LEN bytes */
	/* As agree() of rota/port/p256.h and of rota/port/rot.h. */
	enum rota_err (*dh)(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
		uint8_t dh[static ROTA_P256_DH_LEN]);
};

/* What both sides know: info goes into the key, aad into the tag. */
struct rota_hpke_text {
	struct rota_span info, aad;
};

/* Seal `data` in place to `peer`, which is a point that somebody vouched for.
 * ROTA_ERR_FORMAT: peer is no point of the curve, or one that leads to a shared secret of zeros. ROTA_ERR_ARGUMENT: a psk without id, an id without psk, or one
 * that is too short. Else p256's and aead's. After an error nothing of data, enc and tag may be used. */
ROTA_MUST_USE enum rota_err rota_hpke_seal(const struct rota_hpke *h, const struct rota_p256 *p256,
	const uint8_t peer[static ROTA_P256_KEY_LEN], const struct rota_hpke_psk *psk,
	const struct rota_hpke_text *text, struct rota_buf data,
	uint8_t enc[static ROTA_HPKE_ENC_LEN], uint8_t tag[static ROTA_AEAD_TAG_LEN]);

/* Open `data` in place.
 * ROTA_ERR_FORMAT: enc is no point of the curve, or leads to zeros. ROTA_ERR_SIGNATURE: not sealed to this key with this psk, info and
 * aad; `data` is zeros then. ROTA_ERR_ARGUMENT as above. Else the agreement's and aead's. */
ROTA_MUST_USE enum rota_err rota_hpke_open(const struct rota_hpke *h,
	const struct rota_agreement *own, const uint8_t enc[static ROTA_HPKE_ENC_LEN],
	const struct rota_hpke_psk *psk, const struct rota_hpke_text *text, struct rota_buf data,
	const uint8_t tag[static ROTA_AEAD_TAG_LEN]);

#endif
