/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/tpm2/session.h"
#include "ports/tpm2/objects.h"
#include "rota/base/mem.h"

#include <stdlib.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_sys.h>

/* ---- what others left ---- */

static enum rota_err flush_kind(const struct rota_tpm2 *tpm, TPM2_HT kind)
{
	TPM2_HANDLE first = (TPM2_HANDLE)kind << TPM2_HR_SHIFT;
	TPMS_CAPABILITY_DATA *found = NULL;
	TSS2_SYS_CONTEXT *sys = NULL;
	TPMI_YES_NO more;

	ROTA_TRY(rota_tpm2_err(Esys_GetSysContext(tpm->esys, &sys)));
	ROTA_TRY(rota_tpm2_err(Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE,
		ESYS_TR_NONE, TPM2_CAP_HANDLES, first, TPM2_MAX_CAP_HANDLES, &more, &found)));
	for (uint32_t i = 0; i < found->data.handles.count; i++)
		(void)Tss2_Sys_FlushContext(sys, found->data.handles.handle[i]);
	Esys_Free(found);
	return ROTA_OK;
}

enum rota_err rota_tpm2_open_clean(struct rota_tpm2 *tpm, const char *tcti)
{
	enum rota_err err;

	ROTA_TRY(rota_tpm2_open(tpm, tcti));
	err = flush_kind(tpm, TPM2_HT_TRANSIENT);
	if (err == ROTA_OK)
		err = flush_kind(tpm, TPM2_HT_LOADED_SESSION);
	if (err != ROTA_OK)
		rota_tpm2_close(tpm);
	return err;
}

/* ---- the storage root ---- */

/* The public area that `esys` holds of `object`: the one that it encrypts salts to. Out of the library's own
 * serialisation, since another reading of the TPM might be answered otherwise. */
static enum rota_err held_public(ESYS_CONTEXT *esys, ESYS_TR object, TPM2B_PUBLIC *out)
{
	TPM2B_NAME name = { .size = 0 };
	uint8_t *bytes = NULL;
	size_t len = 0, at = 0;
	uint32_t handle, kind;
	TSS2_RC rc = Esys_TR_Serialize(esys, object, &bytes, &len);

	out->size = 0;
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_UINT32_Unmarshal(bytes, len, &at, &handle);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_NAME_Unmarshal(bytes, len, &at, &name);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_UINT32_Unmarshal(bytes, len, &at, &kind);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes, len, &at, out);
	Esys_Free(bytes);
	return rc == TSS2_RC_SUCCESS && at == len ? ROTA_OK : ROTA_ERR_DENIED;
}

static enum rota_err find_root(struct rota_tpm2_session *s,
	const uint8_t root_name[static ROTA_ROM_ROOT_NAME_LEN], const struct rota_crypto *crypto)
{
	uint8_t name[ROTA_ROM_ROOT_NAME_LEN];
	TPM2B_PUBLIC held;

	ROTA_TRY(rota_tpm2_find(&s->tpm, ROTA_ROT_TPM_ROOT, &s->root));
	ROTA_TRY(held_public(s->tpm.esys, s->root, &held));
	ROTA_TRY(rota_tpm2_name(&held.publicArea, crypto, name));
	if (memcmp(name, root_name, sizeof(name)) != 0) /* SPEC 28.3 */
		return ROTA_ERR_DENIED;
	return ROTA_OK;
}

/* ---- the session ---- */

static enum rota_err start(struct rota_tpm2_session *s)
{
	static const TPMT_SYM_DEF aes = {
		.algorithm = TPM2_ALG_AES,
		.keyBits = { .aes = 128 },
		.mode = { .aes = TPM2_ALG_CFB },
	};

	return rota_tpm2_err(Esys_StartAuthSession(s->tpm.esys, s->root, ESYS_TR_NONE, ESYS_TR_NONE,
		ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_HMAC, &aes, TPM2_ALG_SHA256,
		&s->session));
}

enum rota_err rota_tpm2_session_open(struct rota_tpm2_session *s, const char *tcti,
	const uint8_t root_name[static ROTA_ROM_ROOT_NAME_LEN], const struct rota_crypto *crypto)
{
	enum rota_err err;

	ROTA_TRY(rota_tpm2_open_clean(&s->tpm, tcti));
	err = find_root(s, root_name, crypto);
	if (err == ROTA_OK)
		err = start(s);
	if (err != ROTA_OK)
		rota_tpm2_close(&s->tpm);
	return err;
}

void rota_tpm2_session_close(struct rota_tpm2_session *s)
{
	(void)Esys_FlushContext(s->tpm.esys, s->session);
	rota_tpm2_close(&s->tpm);
}

ESYS_TR rota_tpm2_session_for(const struct rota_tpm2_session *s, TPMA_SESSION secret)
{
	(void)Esys_TRSess_SetAttributes(
		s->tpm.esys, s->session, TPMA_SESSION_CONTINUESESSION | secret, 0xFF);
	return s->session;
}
