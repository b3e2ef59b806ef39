/* SPDX-License-Identifier: Apache-2.0 */
/* ports/tpm2/session.h -- a TPM opened for acts with secrets: whoever sits on the bus reads none, and cannot answer
 * in its place (SPEC 28.3).
 *
 * Commands and answers are authenticated, and their first parameters encrypted (AES-128 in CFB), under a key that is
 * salted to the TPM's storage root. Whose root that is decides all of it, so its Name is computed here, from the
 * public area that the salt is then encrypted to, and compared with the one that the factory wrote into the ROM
 * record; what the TPM says its Name is counts for nothing.
 *
 * An answer that was not the TPM's is ROTA_ERR_IO, as one that did not come.
 */
#ifndef PORTS_TPM2_SESSION_H
#define PORTS_TPM2_SESSION_H

#include "ports/tpm2/tpm2.h"
#include "rota/codec/rom.h"
#include "rota/port/crypto.h"

struct rota_tpm2_session {
	struct rota_tpm2 tpm;
	ESYS_TR root;
	ESYS_TR session;
};

/* As rota_tpm2_open(); and what a process that died left loaded is flushed, since a TPM without a resource manager
 * keeps it, and has room for three. */
ROTA_MUST_USE enum rota_err rota_tpm2_open_clean(struct rota_tpm2 *tpm, const char *tcti);

/* ROTA_ERR_DENIED: the storage root is not the one named. ROTA_ERR_CORRUPT: there is none. Nothing to close after an
 * error. */
ROTA_MUST_USE enum rota_err rota_tpm2_session_open(struct rota_tpm2_session *s, const char *tcti,
	const uint8_t root_name[static ROTA_ROM_ROOT_NAME_LEN], const struct rota_crypto *crypto);
void rota_tpm2_session_close(struct rota_tpm2_session *s);

/* The session for the next command. `secret`: TPMA_SESSION_DECRYPT where the command's first parameter is a sized
 * buffer, TPMA_SESSION_ENCRYPT where the answer's is; 0 where neither. */
ESYS_TR rota_tpm2_session_for(const struct rota_tpm2_session *s, TPMA_SESSION secret);

#endif
