/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/tpm2/pair.h"
#include "rota/base/mem.h"

#define BOTH (TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT)

static TPM2_HANDLE handle_of(enum rota_rot_key key)
{
	return ROTA_ROT_TPM_ROOT + 1 + (TPM2_HANDLE)key;
}

static const TPM2B_PUBLIC *template_of(enum rota_rot_key key)
{
	return key <= ROTA_ROT_LDEVID_1 ? &rota_tpm2_sign_template : &rota_tpm2_agree_template;
}

/* ROTA_ERR_NOT_FOUND: nothing lies at its handle. */
static enum rota_err find(const struct rota_tpm2 *tpm, enum rota_rot_key key, ESYS_TR *object)
{
	enum rota_err err = rota_tpm2_find(tpm, handle_of(key), object);

	return err == ROTA_ERR_CORRUPT ? ROTA_ERR_NOT_FOUND : err;
}

/* ---- making ---- */

struct made {
	TPM2B_PRIVATE *private;
	TPM2B_PUBLIC *public;
};

static enum rota_err create(
	const struct rota_tpm2_session *s, enum rota_rot_key key, struct made *made)
{
	const TPM2B_SENSITIVE_CREATE sensitive = { .size = 0 };
	const TPML_PCR_SELECTION no_pcrs = { .count = 0 };
	const TPM2B_DATA no_data = { .size = 0 };

	return rota_tpm2_err(Esys_Create(s->tpm.esys, s->root, rota_tpm2_session_for(s, BOTH),
		ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, template_of(key), &no_data, &no_pcrs,
		&made->private, &made->public, NULL, NULL, NULL));
}

static enum rota_err persist(
	const struct rota_tpm2_session *s, enum rota_rot_key key, const struct made *made)
{
	ESYS_TR loaded, kept;
	enum rota_err err;

	ROTA_TRY(rota_tpm2_err(Esys_Load(s->tpm.esys, s->root, rota_tpm2_session_for(s, BOTH),
		ESYS_TR_NONE, ESYS_TR_NONE, made->private, made->public, &loaded)));
	err = rota_tpm2_err(Esys_EvictControl(s->tpm.esys, ESYS_TR_RH_OWNER, loaded,
		rota_tpm2_session_for(s, 0), ESYS_TR_NONE, ESYS_TR_NONE, handle_of(key), &kept));
	(void)Esys_FlushContext(s->tpm.esys, loaded);
	return err;
}

enum rota_err rota_tpm2_pair_make(const struct rota_tpm2_session *s, enum rota_rot_key key,
	uint8_t point[static ROTA_P256_KEY_LEN])
{
	struct made made = { NULL, NULL };
	ESYS_TR there;
	enum rota_err err = find(&s->tpm, key, &there);

	if (err != ROTA_ERR_NOT_FOUND)
		return err == ROTA_OK ? ROTA_ERR_STATE : err;
	ROTA_TRY(create(s, key, &made));
	err = rota_tpm2_point(&made.public->publicArea.unique.ecc, point);
	if (err == ROTA_OK)
		err = persist(s, key, &made);
	Esys_Free(made.private);
	Esys_Free(made.public);
	return err;
}

/* ---- using ---- */

enum rota_err rota_tpm2_pair_point(const struct rota_tpm2_session *s, enum rota_rot_key key,
	uint8_t point[static ROTA_P256_KEY_LEN])
{
	TPM2B_PUBLIC *public = NULL;
	enum rota_err err = ROTA_ERR_CORRUPT;
	ESYS_TR object;

	ROTA_TRY(find(&s->tpm, key, &object));
	ROTA_TRY(rota_tpm2_err(
		Esys_ReadPublic(s->tpm.esys, object, rota_tpm2_session_for(s, TPMA_SESSION_ENCRYPT),
			ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL, NULL)));
	if (rota_tpm2_alike(&public->publicArea, &template_of(key)->publicArea))
		err = rota_tpm2_point(&public->publicArea.unique.ecc, point);
	Esys_Free(public);
	return err;
}

enum rota_err rota_tpm2_pair_destroy(const struct rota_tpm2_session *s, enum rota_rot_key key)
{
	ESYS_TR object, none;
	enum rota_err err = find(&s->tpm, key, &object);

	if (err == ROTA_ERR_NOT_FOUND)
		return ROTA_OK;
	ROTA_TRY(err);
	return rota_tpm2_err(Esys_EvictControl(s->tpm.esys, ESYS_TR_RH_OWNER, object,
		rota_tpm2_session_for(s, 0), ESYS_TR_NONE, ESYS_TR_NONE, handle_of(key), &none));
}

enum rota_err rota_tpm2_pair_sign(const struct rota_tpm2 *tpm, enum rota_rot_key key,
	const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN])
{
	const TPMT_TK_HASHCHECK outside = { .tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL };
	const TPMT_SIG_SCHEME own = { .scheme = TPM2_ALG_NULL };
	TPM2B_DIGEST d = { .size = ROTA_SHA256_LEN };
	TPMT_SIGNATURE *made = NULL;
	ESYS_TR object;
	enum rota_err err;

	ROTA_TRY(find(tpm, key, &object));
	memcpy(d.buffer, digest, ROTA_SHA256_LEN);
	ROTA_TRY(rota_tpm2_err(Esys_Sign(tpm->esys, object, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE, &d, &own, &outside, &made)));
	err = rota_tpm2_signature(made, sig);
	Esys_Free(made);
	return err;
}

enum rota_err rota_tpm2_pair_agree(const struct rota_tpm2_session *s, enum rota_rot_key key,
	const uint8_t peer[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN])
{
	TPM2B_ECC_POINT in = { .point = { .x = { .size = 32 }, .y = { .size = 32 } } };
	TPM2B_ECC_POINT *out = NULL;
	ESYS_TR object;
	enum rota_err err;

	if (peer[0] != 4)
		return ROTA_ERR_FORMAT;
	ROTA_TRY(find(&s->tpm, key, &object));
	memcpy(in.point.x.buffer, &peer[1], 32);
	memcpy(in.point.y.buffer, &peer[33], 32);
	ROTA_TRY(rota_tpm2_err(Esys_ECDH_ZGen(s->tpm.esys, object, rota_tpm2_session_for(s, BOTH),
		ESYS_TR_NONE, ESYS_TR_NONE, &in, &out)));
	err = rota_tpm2_number(&out->point.x, dh);
	rota_wipe(out, sizeof(*out));
	Esys_Free(out);
	return err;
}
