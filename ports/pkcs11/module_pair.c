/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of a root of trust: for ECDH, and made again after a cut. */
#include "ports/pkcs11/ck.h"
#include "ports/pkcs11/module.h"
#include "rota/base/mem.h"

#include <string.h>

bool module_has(struct module *m, CK_MECHANISM_TYPE mechanism)
{
	CK_MECHANISM_INFO info;

	return m->f->C_GetMechanismInfo(m->slot, mechanism, &info) == CKR_OK;
}

enum rota_err module_clear(struct module *m, const char *key, struct rota_fail *why)
{
	CK_OBJECT_HANDLE left = 0;
	CK_ULONG count = 0;
	CK_RV rv;

	ROTA_TRY(module_find(m, CKO_PRIVATE_KEY, key, &left, &count, why));
	if (count != 0)
		return ROTA_OK;
	ROTA_TRY(module_find(m, CKO_PUBLIC_KEY, key, &left, &count, why));
	if (count == 0)
		return ROTA_OK;
	rv = m->f->C_DestroyObject(m->session, left);
	return rv == CKR_OK ? ROTA_OK : ck_fail(why, rv, "clearing what a cut left of a key");
}

/* The shared secret is an object of this session for as long as it takes to read it. */
static CK_RV read_value(struct module *m, CK_OBJECT_HANDLE object, uint8_t dh[static 32])
{
	CK_ATTRIBUTE value = { CKA_VALUE, dh, 32 };
	CK_RV rv = m->f->C_GetAttributeValue(m->session, object, &value, 1);

	m->f->C_DestroyObject(m->session, object);
	if (rv == CKR_OK && value.ulValueLen != 32)
		rv = CKR_FUNCTION_FAILED;
	if (rv != CKR_OK)
		rota_wipe(dh, 32);
	return rv;
}

enum rota_err module_derive(struct module *m, CK_OBJECT_HANDLE key,
	const uint8_t peer[static ROTA_P256_KEY_LEN], uint8_t dh[static 32], struct rota_fail *why)
{
	CK_ECDH1_DERIVE_PARAMS how = {
		.kdf = CKD_NULL,
		.ulPublicDataLen = ROTA_P256_KEY_LEN,
		.pPublicData = (CK_BYTE *)(uintptr_t)peer, /* PKCS#11 has no const */
	};
	CK_MECHANISM mechanism = { CKM_ECDH1_DERIVE, &how, sizeof(how) };
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG len = 32;
	CK_ATTRIBUTE want[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_TOKEN, &no, sizeof(no) },
		{ CKA_SENSITIVE, &no, sizeof(no) },
		{ CKA_EXTRACTABLE, &yes, sizeof(yes) },
		{ CKA_VALUE_LEN, &len, sizeof(len) },
	};
	CK_OBJECT_HANDLE made = 0;
	CK_RV rv = m->f->C_DeriveKey(
		m->session, &mechanism, key, want, sizeof(want) / sizeof(want[0]), &made);

	if (rv == CKR_OK)
		rv = read_value(m, made, dh);
	return rv == CKR_OK ? ROTA_OK : ck_fail(why, rv, "agreeing on a secret");
}
