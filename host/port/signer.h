/* SPDX-License-Identifier: Apache-2.0 */
/* host/port/signer.h -- somebody who holds private keys and signs with them.
 *
 * A signer is one token, HSM or service. It is asked to sign a SHA-256 digest with a key that it knows by
 * label, and for the public half. Private keys never come through here. Forms are the raw ones of
 * rota/port/crypto.h: ECDSA P-256, public key 65 bytes 04 || X || Y, signature 64 bytes r || s. Every call has a
 * deadline of the backend's; after ROTA_ERR_TIMEOUT the signer is of no more use and can only be closed.
 *
 * ROTA_ERR_NOT_FOUND  no key, or more than one, has that label
 * ROTA_ERR_DENIED     the PIN is wrong or missing
 * ROTA_ERR_IO         the token or its module fails
 * `why` always names token and key.
 */
#ifndef HOST_PORT_SIGNER_H
#define HOST_PORT_SIGNER_H

#include "host/base/fail.h"
#include "rota/port/crypto.h"

/* Longest label of a key. */
#define ROTA_SIGNER_LABEL_MAX 63

struct rota_signer {
	void *ctx;
	enum rota_err (*public_key)(void *ctx, const char *key,
		uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why);
	enum rota_err (*sign)(void *ctx, const char *key,
		const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN],
		struct rota_fail *why);
	void (*close)(void *ctx);
};

#endif
