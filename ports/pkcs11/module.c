/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/pkcs11/module.h"
#include "ports/pkcs11/ck.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* A machine with more readers than this names its module per token. */
#define SLOTS_MAX 512

enum rota_err module_load(struct module *m, const char *path, struct rota_fail *why)
{
	CK_C_GetFunctionList list;

	m->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!m->library)
		return rota_fail(why, ROTA_ERR_NOT_FOUND, "cannot load PKCS#11 module %s: %s", path,
			dlerror());
	*(void **)&list = dlsym(m->library, "C_GetFunctionList");
	if (!list || list(&m->f) != CKR_OK || !m->f)
		return rota_fail(why, ROTA_ERR_UNSUPPORTED, "%s is no PKCS#11 module", path);
	return module_start(m, why);
}

enum rota_err module_start(struct module *m, struct rota_fail *why)
{
	CK_C_INITIALIZE_ARGS threads = { .flags = CKF_OS_LOCKING_OK };
	CK_RV rv = m->f->C_Initialize(&threads);

	if (rv == CKR_OK)
		return ROTA_OK;
	return ck_fail(why, rv,
		"start of the PKCS#11 module (for SoftHSM: is the file that SOFTHSM2_CONF names "
		"there?)");
}

void module_pad_label(const char *label, CK_UTF8CHAR out[static 32])
{
	size_t len = strnlen(label, 32);

	memset(out, ' ', 32);
	memcpy(out, label, len);
}

enum rota_err module_slot(
	struct module *m, const char *label, CK_SLOT_ID *slot, struct rota_fail *why)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	CK_UTF8CHAR padded[32];
	unsigned found = 0;
	CK_RV rv = m->f->C_GetSlotList(CK_TRUE, slots, &count);

	if (rv != CKR_OK)
		return ck_fail(why, rv, "listing slots");
	module_pad_label(label ? label : "", padded);
	for (CK_ULONG i = 0; i < count; i++) {
		CK_TOKEN_INFO info;

		if (m->f->C_GetTokenInfo(slots[i], &info) != CKR_OK)
			continue;
		if (label ? memcmp(info.label, padded, 32) != 0
			  : (info.flags & CKF_TOKEN_INITIALIZED) != 0)
			continue;
		if (found++ == 0)
			*slot = slots[i];
	}
	if (found == 1 || (found && !label))
		return ROTA_OK;
	if (!label)
		return rota_fail(why, ROTA_ERR_FULL, "no slot with an empty token");
	if (found)
		return rota_fail(
			why, ROTA_ERR_STATE, "%u tokens have the label '%s'", found, label);
	return rota_fail(why, ROTA_ERR_NOT_FOUND,
		"no token has the label '%s' (of %lu slots with a token)", label,
		(unsigned long)count);
}

CK_UTF8CHAR *module_pin(const struct pin *pin)
{
	return (CK_UTF8CHAR *)(uintptr_t)pin->text; /* PKCS#11 has no const */
}

enum rota_err module_session(
	const struct module *m, CK_SESSION_HANDLE *session, struct rota_fail *why)
{
	CK_FLAGS flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
	CK_RV rv = m->f->C_OpenSession(m->slot, flags, NULL, NULL, session);

	return rv == CKR_OK ? ROTA_OK : ck_fail(why, rv, "opening a session");
}

enum rota_err module_login_as(
	struct module *m, CK_USER_TYPE user, const struct pin *pin, struct rota_fail *why)
{
	CK_RV rv;

	ROTA_TRY(module_session(m, &m->session, why));
	rv = m->f->C_Login(m->session, user, module_pin(pin), pin->len);
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return ROTA_OK;
	m->f->C_CloseSession(m->session); /* a token with a session is not initialised */
	return ck_fail(why, rv, "login");
}

enum rota_err module_login(
	struct module *m, const char *label, const struct pin *pin, struct rota_fail *why)
{
	ROTA_TRY(module_slot(m, label, &m->slot, why));
	return module_login_as(m, CKU_USER, pin, why);
}

enum rota_err module_init_token(struct module *m, const char *label, const struct pin *so_pin,
	const struct pin *pin, struct rota_fail *why)
{
	CK_UTF8CHAR padded[32];
	enum rota_err err = module_slot(m, label, &m->slot, why);
	CK_RV rv;

	if (err == ROTA_OK)
		return rota_fail(why, ROTA_ERR_STATE, "a token '%s' is there already", label);
	if (err != ROTA_ERR_NOT_FOUND) /* two of them, or no answer */
		return err;
	ROTA_TRY(module_slot(m, NULL, &m->slot, why));
	module_pad_label(label, padded);
	rv = m->f->C_InitToken(m->slot, module_pin(so_pin), so_pin->len, padded);
	if (rv != CKR_OK)
		return ck_fail(why, rv, "initialising the token");
	ROTA_TRY(module_slot(m, label, &m->slot, why));
	ROTA_TRY(module_login_as(m, CKU_SO, so_pin, why));
	rv = m->f->C_InitPIN(m->session, module_pin(pin), pin->len);
	if (rv != CKR_OK)
		return ck_fail(why, rv, "setting the user PIN");
	m->f->C_Logout(m->session);
	m->f->C_CloseSession(m->session);
	return ROTA_OK;
}

enum rota_err module_find(struct module *m, CK_OBJECT_CLASS class, const char *key,
	CK_OBJECT_HANDLE *object, CK_ULONG *count, struct rota_fail *why)
{
	CK_ATTRIBUTE want[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_LABEL, (void *)(uintptr_t)key, strlen(key) },
	};
	CK_OBJECT_HANDLE found[2];
	CK_RV rv = m->f->C_FindObjectsInit(m->session, want, 2);

	if (rv == CKR_OK) {
		rv = m->f->C_FindObjects(m->session, found, 2, count);
		m->f->C_FindObjectsFinal(m->session);
	}
	if (rv != CKR_OK)
		return ck_fail(why, rv, "looking for the key");
	if (*count)
		*object = found[0];
	return ROTA_OK;
}

static enum rota_err find_one(struct module *m, CK_OBJECT_CLASS class, const char *key,
	CK_OBJECT_HANDLE *object, struct rota_fail *why)
{
	CK_ULONG count = 0;

	ROTA_TRY(module_find(m, class, key, object, &count, why));
	if (count == 1)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_NOT_FOUND,
		count ? "more than one key is called '%s'" : "no key is called '%s'", key);
}

enum rota_err module_kept(struct module *m, CK_OBJECT_HANDLE private_half, struct rota_fail *why)
{
	CK_BBOOL sensitive = CK_FALSE, extractable = CK_TRUE, local = CK_FALSE;
	CK_ATTRIBUTE have[] = {
		{ CKA_SENSITIVE, &sensitive, sizeof(sensitive) },
		{ CKA_EXTRACTABLE, &extractable, sizeof(extractable) },
		{ CKA_LOCAL, &local, sizeof(local) },
	};
	CK_RV rv = m->f->C_GetAttributeValue(m->session, private_half, have, 3);

	if (rv != CKR_OK)
		return ck_fail(why, rv, "reading what the token says of the new key");
	if (sensitive && !extractable && local)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_DENIED,
		"the token says that the new key is%s; it was destroyed again, use another token",
		!local                ? " not made in it"
			: extractable ? " extractable"
				      : " not sensitive");
}

/* A pair that signs, or one that agrees. */
static enum rota_err generate(struct module *m, const char *key, bool agrees, struct rota_fail *why)
{
	/* OBJECT IDENTIFIER prime256v1 */
	static CK_BYTE p256[] = { 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07 };
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	void *label = (void *)(uintptr_t)key;
	CK_ATTRIBUTE public_half[] = {
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ agrees ? CKA_DERIVE : CKA_VERIFY, &yes, sizeof(yes) },
		{ CKA_EC_PARAMS, p256, sizeof(p256) },
		{ CKA_LABEL, label, strlen(key) },
		{ CKA_ID, label, strlen(key) },
	};
	CK_ATTRIBUTE private_half[] = {
		{ CKA_TOKEN, &yes, sizeof(yes) }, { CKA_PRIVATE, &yes, sizeof(yes) },
		{ CKA_SENSITIVE, &yes, sizeof(yes) }, { CKA_EXTRACTABLE, &no, sizeof(no) },
		{ agrees ? CKA_DERIVE : CKA_SIGN, &yes, sizeof(yes) },
		{ CKA_LABEL, label, strlen(key) }, { CKA_ID, label, strlen(key) },
		{ CKA_SIGN, &no, sizeof(no) }, /* said of those that agree alone */
	};
	CK_MECHANISM mechanism = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_OBJECT_HANDLE a = 0, b = 0;
	CK_ULONG count = 0;
	CK_RV rv;

	ROTA_TRY(module_find(m, CKO_PRIVATE_KEY, key, &a, &count, why));
	if (count)
		return rota_fail(why, ROTA_ERR_STATE,
			"a key '%s' is there already; another needs another label", key);
	rv = m->f->C_GenerateKeyPair(m->session, &mechanism, public_half,
		sizeof(public_half) / sizeof(public_half[0]), private_half,
		sizeof(private_half) / sizeof(private_half[0]) - !agrees, &a, &b);
	if (rv != CKR_OK)
		return ck_fail(why, rv, "generating the key");
	if (module_kept(m, b, why) == ROTA_OK)
		return ROTA_OK;
	m->f->C_DestroyObject(m->session, b);
	m->f->C_DestroyObject(m->session, a);
	return why->err;
}

enum rota_err module_generate(struct module *m, const char *key, struct rota_fail *why)
{
	return generate(m, key, false, why);
}

enum rota_err module_generate_agree(struct module *m, const char *key, struct rota_fail *why)
{
	return generate(m, key, true, why);
}

enum rota_err module_destroy(struct module *m, const char *key, struct rota_fail *why)
{
	CK_OBJECT_HANDLE private_half = 0, public_half = 0;
	CK_ULONG count = 0;
	CK_RV rv;

	ROTA_TRY(find_one(m, CKO_PRIVATE_KEY, key, &private_half, why));
	ROTA_TRY(module_find(m, CKO_PUBLIC_KEY, key, &public_half, &count, why));
	rv = m->f->C_DestroyObject(m->session, private_half);
	if (rv == CKR_OK && count == 1)
		rv = m->f->C_DestroyObject(m->session, public_half);
	return rv == CKR_OK ? ROTA_OK : ck_fail(why, rv, "destroying the key");
}

/* CKA_EC_POINT: a DER OCTET STRING around the point. Some tokens keep no public object and show the point on the
 * private one. */
static enum rota_err read_point(struct module *m, const char *key, CK_OBJECT_HANDLE private_half,
	uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	CK_BYTE point[2 + ROTA_P256_KEY_LEN + 32];
	CK_ATTRIBUTE want = { CKA_EC_POINT, point, sizeof(point) };
	CK_OBJECT_HANDLE object = 0;
	CK_ULONG count = 0;
	CK_RV rv;

	ROTA_TRY(module_find(m, CKO_PUBLIC_KEY, key, &object, &count, why));
	if (count != 1)
		object = private_half;
	rv = m->f->C_GetAttributeValue(m->session, object, &want, 1);
	if (rv != CKR_OK)
		return ck_fail(why, rv, "reading the public key");
	if (want.ulValueLen != 2 + ROTA_P256_KEY_LEN || point[0] != 0x04 ||
		point[1] != ROTA_P256_KEY_LEN || point[2] != 0x04)
		return rota_fail(why, ROTA_ERR_UNSUPPORTED, "key '%s' is not on P-256", key);
	memcpy(out, point + 2, ROTA_P256_KEY_LEN);
	return ROTA_OK;
}

enum rota_err module_key(
	struct module *m, const char *label, struct module_key *out, struct rota_fail *why)
{
	ROTA_TRY(find_one(m, CKO_PRIVATE_KEY, label, &out->handle, why));
	return read_point(m, label, out->handle, out->point, why);
}

CK_RV module_sign(const struct module *m, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
	const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN])
{
	CK_MECHANISM mechanism = { CKM_ECDSA, NULL, 0 };
	CK_ULONG len = ROTA_P256_SIG_LEN;
	CK_BYTE in[ROTA_SHA256_LEN];
	CK_RV rv = m->f->C_SignInit(session, &mechanism, key);

	if (rv != CKR_OK)
		return rv;
	memcpy(in, digest, sizeof(in)); /* PKCS#11 has no const */
	rv = m->f->C_Sign(session, in, sizeof(in), sig, &len);
	if (rv == CKR_OK && len != ROTA_P256_SIG_LEN)
		return CKR_FUNCTION_FAILED;
	return rv;
}

void module_end(struct module *m)
{
	if (m->f)
		m->f->C_Finalize(NULL);
}
