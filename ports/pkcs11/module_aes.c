/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/pkcs11/ck.h"
#include "ports/pkcs11/module.h"

#include <string.h>

#define TAG_BITS 128

enum rota_err module_generate_aes(struct module *m, const char *key, struct rota_fail *why)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG len = 32;
	void *label = (void *)(uintptr_t)key;
	CK_ATTRIBUTE want[] = {
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_PRIVATE, &yes, sizeof(yes) },
		{ CKA_SENSITIVE, &yes, sizeof(yes) },
		{ CKA_EXTRACTABLE, &no, sizeof(no) },
		{ CKA_ENCRYPT, &yes, sizeof(yes) },
		{ CKA_DECRYPT, &yes, sizeof(yes) },
		{ CKA_VALUE_LEN, &len, sizeof(len) },
		{ CKA_LABEL, label, strlen(key) },
		{ CKA_ID, label, strlen(key) },
	};
	CK_MECHANISM mechanism = { CKM_AES_KEY_GEN, NULL, 0 };
	CK_OBJECT_HANDLE made = 0;
	CK_ULONG count = 0;
	CK_RV rv;

	ROTA_TRY(module_find(m, CKO_SECRET_KEY, key, &made, &count, why));
	if (count)
		return rota_fail(why, ROTA_ERR_STATE, "a key '%s' is there already", key);
	rv = m->f->C_GenerateKey(
		m->session, &mechanism, want, sizeof(want) / sizeof(want[0]), &made);
	if (rv != CKR_OK)
		return ck_fail(why, rv, "generating the AES key");
	if (module_kept(m, made, why) == ROTA_OK)
		return ROTA_OK;
	m->f->C_DestroyObject(m->session, made);
	return why->err;
}

/* PKCS#11 has no const. */
static CK_BYTE *bytes(struct rota_span from)
{
	return (CK_BYTE *)(uintptr_t)from.p;
}

CK_RV module_gcm(struct module *m, CK_OBJECT_HANDLE key, bool encrypt, struct rota_span nonce,
	struct rota_span aad, struct rota_span in, uint8_t *out, size_t *len)
{
	CK_GCM_PARAMS how = { .pIv = bytes(nonce),
		.ulIvLen = nonce.len,
		.ulIvBits = nonce.len * 8,
		.pAAD = bytes(aad),
		.ulAADLen = aad.len,
		.ulTagBits = TAG_BITS };
	CK_MECHANISM mechanism = { CKM_AES_GCM, &how, sizeof(how) };
	CK_ULONG out_len = *len;
	CK_RV rv = encrypt ? m->f->C_EncryptInit(m->session, &mechanism, key)
			   : m->f->C_DecryptInit(m->session, &mechanism, key);

	if (rv == CKR_OK)
		rv = encrypt ? m->f->C_Encrypt(m->session, bytes(in), in.len, out, &out_len)
			     : m->f->C_Decrypt(m->session, bytes(in), in.len, out, &out_len);
	*len = rv == CKR_OK ? out_len : 0;
	return rv;
}
