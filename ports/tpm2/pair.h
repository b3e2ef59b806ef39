/* SPDX-License-Identifier: Apache-2.0 */
/* ports/tpm2/pair.h -- the pairs of a device in its TPM: made under the storage root, kept at persistent handles.
 *
 * A pair is created, loaded, made persistent and flushed within one session, so nothing of it leaves the TPM but its
 * point, and a cut leaves it there or not.
 */
#ifndef PORTS_TPM2_PAIR_H
#define PORTS_TPM2_PAIR_H

#include "ports/tpm2/objects.h"
#include "ports/tpm2/session.h"

/* Of all: ROTA_ERR_CORRUPT: another kind of object lies at its handle. ROTA_ERR_NOT_FOUND, where said: there is none. */

/* ROTA_ERR_STATE: there is one. ROTA_ERR_FULL: the TPM keeps no object more. */
ROTA_MUST_USE enum rota_err rota_tpm2_pair_make(const struct rota_tpm2_session *s,
	enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN]);

/* As the TPM itself says it, so that nobody on the bus puts his own in its place. ROTA_ERR_NOT_FOUND. */
ROTA_MUST_USE enum rota_err rota_tpm2_pair_point(const struct rota_tpm2_session *s,
	enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN]);

/* ROTA_OK too where there is none, or another kind of object. */
ROTA_MUST_USE enum rota_err rota_tpm2_pair_destroy(
	const struct rota_tpm2_session *s, enum rota_rot_key key);

/* Without a session: a signature proves itself. ROTA_ERR_NOT_FOUND. */
ROTA_MUST_USE enum rota_err rota_tpm2_pair_sign(const struct rota_tpm2 *tpm, enum rota_rot_key key,
	const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN]);

/* ROTA_ERR_FORMAT: `peer` is no point of the curve. ROTA_ERR_NOT_FOUND. */
ROTA_MUST_USE enum rota_err rota_tpm2_pair_agree(const struct rota_tpm2_session *s,
	enum rota_rot_key key, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t dh[static ROTA_P256_DH_LEN]);

#endif
