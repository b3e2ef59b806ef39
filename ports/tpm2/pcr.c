/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/tpm2/pcr.h"

#include <string.h>

static enum rota_err extend(
	const struct rota_tpm2 *tpm, unsigned pcr, const uint8_t digest[static ROTA_SHA256_LEN])
{
	TPML_DIGEST_VALUES values = { .count = 1, .digests = { { .hashAlg = TPM2_ALG_SHA256 } } };

	memcpy(values.digests[0].digest.sha256, digest, ROTA_SHA256_LEN);
	return rota_tpm2_err(Esys_PCR_Extend(tpm->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD,
		ESYS_TR_NONE, ESYS_TR_NONE, &values));
}

enum rota_err rota_pcr_extend(
	const char *tcti, unsigned pcr, uint8_t (*digest)[ROTA_SHA256_LEN], unsigned count)
{
	enum rota_err err = ROTA_OK;
	struct rota_tpm2 tpm;

	if (pcr > ROTA_PCR_MAX)
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(rota_tpm2_open(&tpm, tcti));
	for (unsigned i = 0; i < count && err == ROTA_OK; i++)
		err = extend(&tpm, pcr, digest[i]);
	rota_tpm2_close(&tpm);
	return err;
}
