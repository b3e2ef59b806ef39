/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/pkcs11/ck.h"
#include "ports/pkcs11/module.h"

#include <stdlib.h>
#include <string.h>

/* Objects that are asked for at once. */
#define BATCH 64

/* ---- one ---- */

/* Not CKA_LOCAL, as of keys that a token made: this one came. */
static enum rota_err check_kept(struct module *m, CK_OBJECT_HANDLE key, struct rota_fail *why)
{
	CK_BBOOL sensitive = CK_FALSE, extractable = CK_TRUE;
	CK_ATTRIBUTE have[] = {
		{ CKA_SENSITIVE, &sensitive, sizeof(sensitive) },
		{ CKA_EXTRACTABLE, &extractable, sizeof(extractable) },
	};
	CK_RV rv = m->f->C_GetAttributeValue(m->session, key, have, 2);

	if (rv != CKR_OK)
		return ck_fail(why, rv, "reading what the token says of a key");
	if (sensitive && !extractable)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_DENIED,
		"the token says that the key is %s; it was destroyed again, use another token",
		extractable ? "extractable" : "not sensitive");
}

enum rota_err module_secret_put(struct module *m, const char *label,
	const uint8_t id[static MODULE_SECRET_ID_LEN], uint8_t value[static MODULE_SECRET_LEN],
	struct rota_fail *why)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE want[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_PRIVATE, &yes, sizeof(yes) },
		{ CKA_SENSITIVE, &yes, sizeof(yes) },
		{ CKA_EXTRACTABLE, &no, sizeof(no) },
		{ CKA_SIGN, &yes, sizeof(yes) },
		{ CKA_DERIVE, &no, sizeof(no) },
		{ CKA_WRAP, &no, sizeof(no) },
		{ CKA_UNWRAP, &no, sizeof(no) },
		{ CKA_LABEL, (void *)(uintptr_t)label, strlen(label) },
		{ CKA_ID, (void *)(uintptr_t)id, MODULE_SECRET_ID_LEN },
		{ CKA_VALUE, value, MODULE_SECRET_LEN },
	};
	CK_OBJECT_HANDLE made = 0;
	CK_RV rv = m->f->C_CreateObject(m->session, want, sizeof(want) / sizeof(want[0]), &made);

	if (rv != CKR_OK)
		return ck_fail(why, rv, "putting a key into the token");
	if (check_kept(m, made, why) == ROTA_OK)
		return ROTA_OK;
	m->f->C_DestroyObject(m->session, made);
	return why->err;
}

/* ---- all of a label ---- */

static enum rota_err find_begin(struct module *m, const char *label, struct rota_fail *why)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_ATTRIBUTE want[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_LABEL, (void *)(uintptr_t)label, strlen(label) },
	};
	CK_RV rv = m->f->C_FindObjectsInit(m->session, want, 2);

	return rv == CKR_OK ? ROTA_OK : ck_fail(why, rv, "looking for keys");
}

static enum rota_err find_next(struct module *m, CK_OBJECT_HANDLE found[static BATCH],
	CK_ULONG *count, struct rota_fail *why)
{
	CK_RV rv = m->f->C_FindObjects(m->session, found, BATCH, count);

	return rv == CKR_OK ? ROTA_OK : ck_fail(why, rv, "looking for keys");
}

/* As one array grows here: in steps. */
static void *grow(void *at, size_t count, size_t size)
{
	if (count % BATCH != 0)
		return at;
	at = realloc(at, (count + BATCH) * size);
	if (!at)
		abort();
	return at;
}

/* One whose id is of another length is not ours. */
static enum rota_err add_id(
	struct module *m, CK_OBJECT_HANDLE object, struct module_ids *ids, struct rota_fail *why)
{
	CK_ATTRIBUTE id = { CKA_ID, NULL, 0 };
	CK_RV rv = m->f->C_GetAttributeValue(m->session, object, &id, 1);
	enum rota_err err;

	if (rv != CKR_OK)
		return ck_fail(why, rv, "reading the id of a key");
	if (id.ulValueLen != MODULE_SECRET_ID_LEN)
		return ROTA_OK;
	err = check_kept(m, object, why);
	if (err == ROTA_ERR_DENIED) {
		ids->foreign = grow(ids->foreign, ids->foreign_count, sizeof(ids->foreign[0]));
		ids->foreign[ids->foreign_count++] = object;
		return ROTA_OK;
	}
	ROTA_TRY(err);
	ids->at = grow(ids->at, ids->count, sizeof(ids->at[0]));
	id.pValue = ids->at[ids->count];
	rv = m->f->C_GetAttributeValue(m->session, object, &id, 1);
	if (rv != CKR_OK)
		return ck_fail(why, rv, "reading the id of a key");
	ids->count++;
	return ROTA_OK;
}

static enum rota_err read_ids(struct module *m, struct module_ids *out, struct rota_fail *why)
{
	CK_OBJECT_HANDLE found[BATCH];
	CK_ULONG count;

	do {
		ROTA_TRY(find_next(m, found, &count, why));
		for (CK_ULONG i = 0; i < count; i++)
			ROTA_TRY(add_id(m, found[i], out, why));
	} while (count > 0);
	return ROTA_OK;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, MODULE_SECRET_ID_LEN);
}

enum rota_err module_secret_ids(
	struct module *m, const char *label, struct module_ids *out, struct rota_fail *why)
{
	enum rota_err err;

	*out = (struct module_ids){ 0 };
	ROTA_TRY(find_begin(m, label, why));
	err = read_ids(m, out, why);
	m->f->C_FindObjectsFinal(m->session);
	if (err == ROTA_OK && out->count)
		qsort(out->at, out->count, sizeof(out->at[0]), by_id);
	if (err != ROTA_OK)
		module_ids_free(out);
	return err;
}

void module_ids_free(struct module_ids *ids)
{
	free(ids->at);
	free(ids->foreign);
	*ids = (struct module_ids){ 0 };
}

bool module_ids_have(const struct module_ids *ids, const uint8_t id[static MODULE_SECRET_ID_LEN])
{
	return ids->count && bsearch(id, ids->at, ids->count, sizeof(ids->at[0]), by_id) != NULL;
}

static enum rota_err destroy(struct module *m, CK_OBJECT_HANDLE key, struct rota_fail *why)
{
	CK_RV rv = m->f->C_DestroyObject(m->session, key);

	return rv == CKR_OK ? ROTA_OK : ck_fail(why, rv, "destroying a key");
}

enum rota_err module_ids_clean(struct module *m, struct module_ids *ids, struct rota_fail *why)
{
	for (; ids->foreign_count > 0; ids->foreign_count--)
		ROTA_TRY(destroy(m, ids->foreign[ids->foreign_count - 1], why));
	return ROTA_OK;
}

enum rota_err module_secret_destroy(
	struct module *m, const char *label, uint32_t *count, struct rota_fail *why)
{
	CK_OBJECT_HANDLE found[BATCH];
	CK_ULONG some;

	*count = 0;
	do {
		enum rota_err err;

		ROTA_TRY(find_begin(m, label, why));
		err = find_next(m, found, &some, why);
		m->f->C_FindObjectsFinal(m->session);
		ROTA_TRY(err);
		for (CK_ULONG i = 0; i < some; i++, ++*count)
			ROTA_TRY(destroy(m, found[i], why));
	} while (some > 0);
	return ROTA_OK;
}
