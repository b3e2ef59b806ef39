/* SPDX-License-Identifier: Apache-2.0 */
/* ports/tpm2/authfile.h -- what the wrap keys of a TPM are opened with: 32 random bytes in a file.
 *
 * So that neither a disk without its TPM nor a TPM without its disk gives a wrap key away (SPEC 28.3). One file for
 * all; it is made with the first wrap key and stays.
 */
#ifndef PORTS_TPM2_AUTHFILE_H
#define PORTS_TPM2_AUTHFILE_H

#include "rota/port/random.h"

#define ROTA_TPM2_AUTH_LEN 32
#define ROTA_TPM2_AUTH_FILE "wrap-auth"

/* ROTA_ERR_NOT_FOUND: there is none. ROTA_ERR_CORRUPT: it has another length. ROTA_ERR_IO, ROTA_ERR_DENIED by errno. */
ROTA_MUST_USE enum rota_err rota_tpm2_auth_read(
	const char *dir, uint8_t auth[static ROTA_TPM2_AUTH_LEN]);

/* Read it, or make it first: durable, for its owner alone. */
ROTA_MUST_USE enum rota_err rota_tpm2_auth_make(
	const char *dir, const struct rota_random *random, uint8_t auth[static ROTA_TPM2_AUTH_LEN]);

#endif
