/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/build_sign.h -- what `rota build` and `rota rebuild-check` share: where the key of a builder is, and the
 * sentences about images.
 *
 * The build itself runs before any token is opened: nothing of a key is in memory while foreign code is started.
 */
#ifndef APPS_ROTA_BUILD_SIGN_H
#define APPS_ROTA_BUILD_SIGN_H

#include "host/base/json.h"
#include "rota/port/crypto.h"

/* Append to *bundle the envelope of this machine's builder key ([keys builder] of rota.ini) over `statement`. */
ROTA_MUST_USE enum rota_err build_sign(
	struct rota_span statement, struct rota_bytes *bundle, struct rota_fail *why);

/* ROTA_ERR_NOT_FOUND, before anything is built, where there is no such key, or the daemon that is to sign holds none. */
ROTA_MUST_USE enum rota_err build_can_sign(struct rota_fail *why);

/* The public key of the first seat: what [builder NAME] key is for who believes this machine. */
ROTA_MUST_USE enum rota_err build_key(
	char hex[static 2 * ROTA_P256_KEY_LEN + 1], struct rota_fail *why);

/* 32 hex digits, drawn anew. */
void build_id(char out[static 33]);

#endif
