/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/tpm2/wrapnv.h"
#include "rota/base/mem.h"

/* How an index is defined, and must be still; WRITTEN is set by its first write. */
#define KIND (TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA)

TPM2_HANDLE rota_tpm2_wrap_index(enum rota_rot_wrap place)
{
	static const TPM2_HANDLE index[ROTA_ROT_WRAPS] = {
		[ROTA_ROT_SEED] = 0x01805210,
		[ROTA_ROT_WRAP_0] = 0x01805211,
		[ROTA_ROT_WRAP_1] = 0x01805212,
	};

	return index[place];
}

/* ROTA_ERR_NOT_FOUND: nothing lies at its index. *written: it has a key. */
static enum rota_err find(
	const struct rota_tpm2 *tpm, enum rota_rot_wrap place, ESYS_TR *nv, bool *written)
{
	enum rota_err err = rota_tpm2_find(tpm, rota_tpm2_wrap_index(place), nv);
	TPM2B_NV_PUBLIC *public = NULL;
	TPMA_NV attributes;
	uint16_t len;

	if (err == ROTA_ERR_CORRUPT)
		return ROTA_ERR_NOT_FOUND;
	ROTA_TRY(err);
	ROTA_TRY(rota_tpm2_err(Esys_NV_ReadPublic(
		tpm->esys, *nv, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL)));
	attributes = public->nvPublic.attributes;
	len = public->nvPublic.dataSize;
	Esys_Free(public);
	*written = (attributes & TPMA_NV_WRITTEN) != 0;
	if ((attributes & ~(TPMA_NV)TPMA_NV_WRITTEN) != KIND || len != ROTA_WRAP_KEY_LEN)
		return ROTA_ERR_CORRUPT;
	return ROTA_OK;
}

enum rota_err rota_tpm2_wrap_has(const struct rota_tpm2 *tpm, enum rota_rot_wrap place, bool *has)
{
	enum rota_err err;
	ESYS_TR nv;

	*has = false;
	err = find(tpm, place, &nv, has);
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
}

static enum rota_err undefine(const struct rota_tpm2_session *s, ESYS_TR nv)
{
	return rota_tpm2_err(Esys_NV_UndefineSpace(s->tpm.esys, ESYS_TR_RH_OWNER, nv,
		rota_tpm2_session_for(s, 0), ESYS_TR_NONE, ESYS_TR_NONE));
}

enum rota_err rota_tpm2_wrap_destroy(const struct rota_tpm2_session *s, enum rota_rot_wrap place)
{
	bool written;
	ESYS_TR nv;
	enum rota_err err = find(&s->tpm, place, &nv, &written);

	if (err == ROTA_ERR_NOT_FOUND)
		return ROTA_OK;
	ROTA_TRY(err);
	return undefine(s, nv);
}

static void take_auth(TPM2B_AUTH *to, const uint8_t auth[static ROTA_TPM2_AUTH_LEN])
{
	to->size = ROTA_TPM2_AUTH_LEN;
	memcpy(to->buffer, auth, ROTA_TPM2_AUTH_LEN);
}

static enum rota_err define(const struct rota_tpm2_session *s, enum rota_rot_wrap place,
	const uint8_t auth[static ROTA_TPM2_AUTH_LEN], ESYS_TR *nv)
{
	const TPM2B_NV_PUBLIC public = {
		.nvPublic = {
			.nvIndex = rota_tpm2_wrap_index(place),
			.nameAlg = TPM2_ALG_SHA256,
			.attributes = KIND,
			.dataSize = ROTA_WRAP_KEY_LEN,
		},
	};
	TPM2B_AUTH value;
	TSS2_RC rc;

	take_auth(&value, auth);
	rc = Esys_NV_DefineSpace(s->tpm.esys, ESYS_TR_RH_OWNER,
		rota_tpm2_session_for(s, TPMA_SESSION_DECRYPT), ESYS_TR_NONE, ESYS_TR_NONE, &value,
		&public, nv);
	rota_wipe(&value, sizeof(value));
	return rota_tpm2_err(rc);
}

static enum rota_err write_key(
	const struct rota_tpm2_session *s, ESYS_TR nv, const uint8_t key[static ROTA_WRAP_KEY_LEN])
{
	TPM2B_MAX_NV_BUFFER data = { .size = ROTA_WRAP_KEY_LEN };
	TSS2_RC rc;

	memcpy(data.buffer, key, ROTA_WRAP_KEY_LEN);
	rc = Esys_NV_Write(s->tpm.esys, nv, nv, rota_tpm2_session_for(s, TPMA_SESSION_DECRYPT),
		ESYS_TR_NONE, ESYS_TR_NONE, &data, 0);
	rota_wipe(&data, sizeof(data));
	return rota_tpm2_err(rc);
}

enum rota_err rota_tpm2_wrap_make(const struct rota_tpm2_session *s, enum rota_rot_wrap place,
	const uint8_t auth[static ROTA_TPM2_AUTH_LEN], const uint8_t key[static ROTA_WRAP_KEY_LEN])
{
	bool written;
	ESYS_TR nv;
	enum rota_err err = find(&s->tpm, place, &nv, &written);

	if (err == ROTA_OK && written)
		return ROTA_ERR_STATE;
	if (err == ROTA_OK)
		err = undefine(s, nv); /* a cut came before its key */
	if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND)
		return err;
	ROTA_TRY(define(s, place, auth, &nv));
	return write_key(s, nv, key);
}

static enum rota_err read_key(
	const struct rota_tpm2_session *s, ESYS_TR nv, uint8_t key[static ROTA_WRAP_KEY_LEN])
{
	TPM2B_MAX_NV_BUFFER *data = NULL;
	enum rota_err err = ROTA_ERR_CORRUPT;

	ROTA_TRY(rota_tpm2_err(
		Esys_NV_Read(s->tpm.esys, nv, nv, rota_tpm2_session_for(s, TPMA_SESSION_ENCRYPT),
			ESYS_TR_NONE, ESYS_TR_NONE, ROTA_WRAP_KEY_LEN, 0, &data)));
	if (data->size == ROTA_WRAP_KEY_LEN) {
		memcpy(key, data->buffer, ROTA_WRAP_KEY_LEN);
		err = ROTA_OK;
	}
	rota_wipe(data, sizeof(*data));
	Esys_Free(data);
	return err;
}

enum rota_err rota_tpm2_wrap_read(const struct rota_tpm2_session *s, enum rota_rot_wrap place,
	const uint8_t auth[static ROTA_TPM2_AUTH_LEN], uint8_t key[static ROTA_WRAP_KEY_LEN])
{
	TPM2B_AUTH value;
	bool written;
	ESYS_TR nv;
	TSS2_RC rc;

	ROTA_TRY(find(&s->tpm, place, &nv, &written));
	if (!written)
		return ROTA_ERR_NOT_FOUND;
	take_auth(&value, auth);
	rc = Esys_TR_SetAuth(s->tpm.esys, nv, &value);
	rota_wipe(&value, sizeof(value));
	ROTA_TRY(rota_tpm2_err(rc));
	return read_key(s, nv, key);
}
