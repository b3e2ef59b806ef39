/* SPDX-License-Identifier: Apache-2.0 */
/* ports/tpm2/rot_tpm.h -- rota/port/rot.h in a TPM 2.0 (SPEC 28.3).
 *
 * Keys lie at persistent handles and in NV, never on a disk, not even sealed: so what was destroyed comes back from no
 * backup. The storage root is the one that the factory made, and the ROM record has its Name. Each call opens the TPM,
 * acts and closes it (tpm2.h), so that several processes may share it. What takes
 * or gives a secret goes through a session, and costs some milliseconds more.
 *
 * The owner's hierarchy has no password. Whoever acts as its owner can remove keys and indices, and so stop a device;
 * he can read none.
 */
#ifndef PORTS_TPM2_ROT_TPM_H
#define PORTS_TPM2_ROT_TPM_H

#include "ports/tpm2/objects.h"
#include "rota/crypto/wrapped.h"
#include "rota/port/rot.h"

/* What a rota_rot_tpm works with; all outlive it. */
struct rota_rot_tpm_parts {
	const char *tcti; /* as ports/tpm2/tpm2.h has it */
	const char *dir; /* state folder: of the wrap keys' authorisation */
	struct rota_span root_name; /* rom->rot_name */
	const struct rota_crypto *crypto;
	const struct rota_aead *aead;
	const struct rota_random *random; /* the operating system's */
};

struct rota_rot_tpm {
	struct rota_rot port; /* its ctx is this struct: do not move it while it is in use */
	struct rota_rot_tpm_parts with;
	struct rota_wrapper wrapper;
};

/* Nothing is opened yet. port.counter is the caller's to set (counter_tpm.h). ROTA_ERR_ARGUMENT: no Name of a root. */
ROTA_MUST_USE enum rota_err rota_rot_tpm_init(
	struct rota_rot_tpm *t, const struct rota_rot_tpm_parts *parts);

/* For the factory: the storage root, made where there is none, and its Name for the ROM record. ROTA_ERR_CORRUPT:
 * something else lies at its handle. ROTA_ERR_DENIED: the owner's hierarchy has a password. ROTA_ERR_FULL: the TPM keeps
 * no object more. */
ROTA_MUST_USE enum rota_err rota_rot_tpm_make_root(const char *tcti,
	const struct rota_crypto *crypto, uint8_t name[static ROTA_ROM_ROOT_NAME_LEN]);

#endif
