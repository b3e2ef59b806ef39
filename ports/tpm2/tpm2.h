/* SPDX-License-Identifier: Apache-2.0 */
/* ports/tpm2/tpm2.h -- a TPM 2.0, opened for one act and closed again.
 *
 * A TPM without a resource manager serves one client at a time, and boot stage and agent share it: each opens
 * it, acts, and closes it, while it holds the lock of the journal that the act belongs to. No object is left
 * loaded. A software TPM behind a Unix socket takes another client's command between two of ours, so there an act holds flock(2) on
 * the socket's folder; /dev/tpm0 lets one in, and the kernel's resource manager keeps clients apart. `tcti` says how to reach it, in tpm2-tss's words: "device:/dev/tpmrm0", "swtpm:path=/run/tpm.sock".
 *
 * The library writes what it thinks of an error to stderr; opening silences it, unless TSS2_LOG is set.
 */
#ifndef PORTS_TPM2_TPM2_H
#define PORTS_TPM2_TPM2_H

#include "rota/base/err.h"

#include <tss2/tss2_esys.h>

/* Longest TCTI configuration: the path of a Unix socket has at most 107 bytes. */
#define ROTA_TPM2_TCTI_MAX 160

struct rota_tpm2 {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	int turn; /* of the folder that is locked; -1: none is */
};

/* ROTA_ERR_IO: there is no TPM, it does not answer, or somebody else has it for half a minute. Nothing to close after an error. */
ROTA_MUST_USE enum rota_err rota_tpm2_open(struct rota_tpm2 *tpm, const char *tcti);
void rota_tpm2_close(struct rota_tpm2 *tpm);

/* What a TPM's answer means to a caller: ROTA_ERR_CORRUPT where the thing that was named is gone, never was
 * written, or is of another kind; ROTA_ERR_DENIED where authorisation lacks; ROTA_ERR_FULL where there is no room;
 * ROTA_ERR_FORMAT where a point is none of the curve; ROTA_ERR_IO for all that may pass. */
ROTA_MUST_USE enum rota_err rota_tpm2_err(TSS2_RC rc);

#endif
