/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/tpm2/tpm2.h"

#include <stdlib.h>
#include <tss2/tss2_tctildr.h>

enum rota_err rota_tpm2_open(struct rota_tpm2 *tpm, const char *tcti)
{
	*tpm = (struct rota_tpm2){ 0 };
	(void)setenv("TSS2_LOG", "all+NONE", 0);
	if (Tss2_TctiLdr_Initialize(tcti, &tpm->tcti) != TSS2_RC_SUCCESS)
		return ROTA_ERR_IO;
	if (Esys_Initialize(&tpm->esys, tpm->tcti, NULL) != TSS2_RC_SUCCESS) {
		Tss2_TctiLdr_Finalize(&tpm->tcti);
		return ROTA_ERR_IO;
	}
	return ROTA_OK;
}

void rota_tpm2_close(struct rota_tpm2 *tpm)
{
	Esys_Finalize(&tpm->esys);
	Tss2_TctiLdr_Finalize(&tpm->tcti);
}

/* TPM 2.0 part 2, 6.6: a format-one code says beside which handle or parameter it speaks of. */
static TSS2_RC bare(TSS2_RC rc)
{
	if ((rc & TPM2_RC_FMT1) == 0)
		return rc;
	return rc & (TPM2_RC_FMT1 | 0x3Fu);
}

enum rota_err rota_tpm2_err(TSS2_RC rc)
{
	if (rc == TSS2_RC_SUCCESS)
		return ROTA_OK;
	if ((rc & TSS2_RC_LAYER_MASK) != TSS2_TPM_RC_LAYER)
		return ROTA_ERR_IO; /* our own side, or the way there */
	switch (bare(rc)) {
	case TPM2_RC_HANDLE:
	case TPM2_RC_NV_UNINITIALIZED:
	case TPM2_RC_ATTRIBUTES:
	case TPM2_RC_NV_RANGE:
		return ROTA_ERR_CORRUPT;
	case TPM2_RC_BAD_AUTH:
	case TPM2_RC_AUTH_FAIL:
	case TPM2_RC_NV_AUTHORIZATION:
		return ROTA_ERR_DENIED;
	case TPM2_RC_ECC_POINT:
		return ROTA_ERR_FORMAT;
	case TPM2_RC_NV_SPACE:
	case TPM2_RC_NV_DEFINED:
		return ROTA_ERR_FULL;
	default:
		return ROTA_ERR_IO;
	}
}
