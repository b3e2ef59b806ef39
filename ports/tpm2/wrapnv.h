/* SPDX-License-Identifier: Apache-2.0 */
/* ports/tpm2/wrapnv.h -- wrap keys in the NV memory of a TPM: 32 bytes an index, behind an authorisation that lies on
 * the disk (authfile.h), read and written through a session (session.h) alone.
 *
 * An index that was defined and never written is none: a cut came between. To destroy one is to undefine it.
 */
#ifndef PORTS_TPM2_WRAPNV_H
#define PORTS_TPM2_WRAPNV_H

#include "ports/tpm2/authfile.h"
#include "ports/tpm2/objects.h"
#include "ports/tpm2/session.h"
#include "rota/crypto/wrapped.h"

/* Where it lies, SPEC 28.3. */
TPM2_HANDLE rota_tpm2_wrap_index(enum rota_rot_wrap place);

/* Of all four: ROTA_ERR_CORRUPT: something else lies at that index. */

/* Without a session: whether it is there is no secret. */
ROTA_MUST_USE enum rota_err rota_tpm2_wrap_has(
	const struct rota_tpm2 *tpm, enum rota_rot_wrap place, bool *has);

/* ROTA_ERR_STATE: there is one. ROTA_ERR_FULL: the TPM has no room. */
ROTA_MUST_USE enum rota_err rota_tpm2_wrap_make(const struct rota_tpm2_session *s,
	enum rota_rot_wrap place, const uint8_t auth[static ROTA_TPM2_AUTH_LEN],
	const uint8_t key[static ROTA_WRAP_KEY_LEN]);

/* ROTA_ERR_NOT_FOUND: there is none. ROTA_ERR_DENIED: made with another authorisation. The caller wipes. */
ROTA_MUST_USE enum rota_err rota_tpm2_wrap_read(const struct rota_tpm2_session *s,
	enum rota_rot_wrap place, const uint8_t auth[static ROTA_TPM2_AUTH_LEN],
	uint8_t key[static ROTA_WRAP_KEY_LEN]);

/* ROTA_OK too where there is none. */
ROTA_MUST_USE enum rota_err rota_tpm2_wrap_destroy(
	const struct rota_tpm2_session *s, enum rota_rot_wrap place);

#endif
