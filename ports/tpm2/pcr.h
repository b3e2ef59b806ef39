/* SPDX-License-Identifier: Apache-2.0 */
/* ports/tpm2/pcr.h -- what a boot measured goes into a PCR, which nothing but a reset takes back. */
#ifndef PORTS_TPM2_PCR_H
#define PORTS_TPM2_PCR_H

#include "ports/tpm2/tpm2.h"
#include "rota/port/crypto.h"

#define ROTA_PCR_MAX 23 /* of the PC client profile */

/* Extend `count` digests in order into the SHA-256 bank of `pcr`. ROTA_ERR_ARGUMENT: there is no such PCR.
 * ROTA_ERR_IO: no TPM, or it has no such bank. ROTA_ERR_DENIED: this PCR is not for us. */
ROTA_MUST_USE enum rota_err rota_pcr_extend(
	const char *tcti, unsigned pcr, uint8_t (*digest)[ROTA_SHA256_LEN], unsigned count);

#endif
