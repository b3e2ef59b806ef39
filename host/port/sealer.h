/* SPDX-License-Identifier: Apache-2.0 */
/* host/port/sealer.h -- somebody who holds an AES key and seals under it, without ever showing it.
 *
 * AES-256 in GCM. What is sealed is nonce (12 bytes) || ciphertext || tag (16 bytes); the nonce is drawn anew each time. `aad` is
 * authenticated with it and not part of it.
 *
 * ROTA_ERR_CORRUPT  it was not sealed under this key with this aad, or not at all; a token does not say which, and
 *                   whatever goes wrong with opening counts as this
 * ROTA_ERR_IO, ROTA_ERR_TIMEOUT  whoever holds the key is gone, or late; all that is asked of him from now on fails so: close it
 */
#ifndef HOST_PORT_SEALER_H
#define HOST_PORT_SEALER_H

#include "host/base/bytes.h"
#include "host/base/fail.h"

#define ROTA_SEALER_NONCE_LEN 12
#define ROTA_SEALER_TAG_LEN 16
/* The file of a root, and some more. */
#define ROTA_SEALER_MAX (1024 * 1024)
#define ROTA_SEALER_AAD_MAX 256

struct rota_sealer {
	void *ctx;
	enum rota_err (*seal)(void *ctx, struct rota_span aad, struct rota_span plain,
		struct rota_bytes *out, struct rota_fail *why);
	/* rota_bytes_wipe() what it was. */
	enum rota_err (*open)(void *ctx, struct rota_span aad, struct rota_span sealed,
		struct rota_bytes *out, struct rota_fail *why);
	void (*close)(void *ctx);
};

#endif
