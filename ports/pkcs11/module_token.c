/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that are used again and again. Each step can be cut off: the security officer's PIN is either the one given, or
 * that of free tokens, and who releases tries both. */
#include "ports/pkcs11/ck.h"
#include "ports/pkcs11/module.h"

#include <string.h>

#define SLOTS_MAX 512

static const struct pin free_pin = { .text = MODULE_FREE, .len = sizeof(MODULE_FREE) - 1 };

/* The first token that is free. */
static bool find_free(struct module *m, CK_SLOT_ID *slot)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	CK_UTF8CHAR padded[32];

	module_pad_label(MODULE_FREE, padded);
	if (m->f->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
		return false;
	for (CK_ULONG i = 0; i < count; i++) {
		CK_TOKEN_INFO info;

		if (m->f->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
			memcmp(info.label, padded, 32) != 0)
			continue;
		*slot = slots[i];
		return true;
	}
	return false;
}

static enum rota_err init_token(
	struct module *m, const char *label, const struct pin *so_pin, struct rota_fail *why)
{
	CK_UTF8CHAR padded[32];
	CK_RV rv;

	module_pad_label(label, padded);
	rv = m->f->C_InitToken(m->slot, module_pin(so_pin), so_pin->len, padded);
	return rv == CKR_OK ? ROTA_OK : ck_fail(why, rv, "initialising the token");
}

void module_leave(struct module *m)
{
	m->f->C_Logout(m->session);
	m->f->C_CloseSession(m->session);
}

/* The security officer's PIN, of m->slot. */
static enum rota_err change_so(
	struct module *m, const struct pin *from, const struct pin *to, struct rota_fail *why)
{
	CK_RV rv;

	ROTA_TRY(module_login_as(m, CKU_SO, from, why));
	rv = m->f->C_SetPIN(m->session, module_pin(from), from->len, module_pin(to), to->len);
	module_leave(m);
	return rv == CKR_OK ? ROTA_OK : ck_fail(why, rv, "changing the security officer's PIN");
}

static enum rota_err set_user(
	struct module *m, const struct pin *so_pin, const struct pin *pin, struct rota_fail *why)
{
	CK_RV rv;

	ROTA_TRY(module_login_as(m, CKU_SO, so_pin, why));
	rv = m->f->C_InitPIN(m->session, module_pin(pin), pin->len);
	module_leave(m);
	return rv == CKR_OK ? ROTA_OK : ck_fail(why, rv, "setting the user PIN");
}

enum rota_err module_claim(struct module *m, const char *label, const struct pin *so_pin,
	const struct pin *pin, struct rota_fail *why)
{
	enum rota_err err = module_slot(m, label, &m->slot, why);

	if (err == ROTA_OK)
		return rota_fail(why, ROTA_ERR_STATE, "a token '%s' is there already", label);
	if (err != ROTA_ERR_NOT_FOUND)
		return err;
	if (find_free(m, &m->slot)) {
		ROTA_TRY(init_token(m, label, &free_pin, why));
		ROTA_TRY(change_so(m, &free_pin, so_pin, why));
	} else {
		ROTA_TRY(module_slot(m, NULL, &m->slot, why));
		ROTA_TRY(init_token(m, label, so_pin, why));
		ROTA_TRY(module_slot(m, label, &m->slot, why));
	}
	return set_user(m, so_pin, pin, why);
}

enum rota_err module_release(
	struct module *m, const char *label, const struct pin *so_pin, struct rota_fail *why)
{
	enum rota_err err;

	ROTA_TRY(module_slot(m, label, &m->slot, why));
	err = change_so(m, so_pin, &free_pin, why);
	if (err != ROTA_OK && err != ROTA_ERR_DENIED) /* denied: a run was cut off behind this */
		return err;
	return init_token(m, MODULE_FREE, &free_pin, why);
}
