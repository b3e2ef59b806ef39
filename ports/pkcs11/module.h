/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/module.h -- one PKCS#11 module and one token of it, inside the process that holds it.
 *
 * Slot numbers change, so a token is found by its label. The login belongs to the process: further sessions of the
 * same token have it too, and handles of keys are good in all of them. The module is started for several threads;
 * what takes a struct module that is not const is for one thread at a time. CKM_ECDSA signs the digest and gives
 * r || s.
 */
#ifndef PORTS_PKCS11_MODULE_H
#define PORTS_PKCS11_MODULE_H

#include "host/port/signer.h"
#include "ports/pkcs11/pin.h"

#include <p11-kit/pkcs11.h>

struct module {
	void *library;
	CK_FUNCTION_LIST *f; /* NULL until loaded */
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session; /* the one that logged in */
};

struct module_key {
	CK_OBJECT_HANDLE handle; /* of the private half */
	uint8_t point[ROTA_P256_KEY_LEN];
};

/* dlopen and module_start(). */
ROTA_MUST_USE enum rota_err module_load(struct module *m, const char *path, struct rota_fail *why);

/* C_Initialize; again after module_end(). */
ROTA_MUST_USE enum rota_err module_start(struct module *m, struct rota_fail *why);

/* C_Finalize: ends all sessions. Its failure changes nothing. */
void module_end(struct module *m);

/* A read-write session with the token of this label, logged in as its user. */
ROTA_MUST_USE enum rota_err module_login(
	struct module *m, const char *label, const struct pin *pin, struct rota_fail *why);

/* One more, for another thread. */
ROTA_MUST_USE enum rota_err module_session(
	const struct module *m, CK_SESSION_HANDLE *session, struct rota_fail *why);

/* Give the label and both PINs to a slot whose token is not initialised. */
ROTA_MUST_USE enum rota_err module_init_token(struct module *m, const char *label,
	const struct pin *so_pin, const struct pin *pin, struct rota_fail *why);

/* The token itself says afterwards that the private half is sensitive, not extractable and was made in it; a key of which
 * it says anything else is destroyed again: ROTA_ERR_DENIED. */
ROTA_MUST_USE enum rota_err module_generate(
	struct module *m, const char *key, struct rota_fail *why);

/* Both halves. ROTA_ERR_NOT_FOUND: there is no private one. */
ROTA_MUST_USE enum rota_err module_destroy(
	struct module *m, const char *key, struct rota_fail *why);

/* ROTA_ERR_NOT_FOUND: no key, or more than one, has this label. ROTA_ERR_UNSUPPORTED: it is not on P-256. */
ROTA_MUST_USE enum rota_err module_key(
	struct module *m, const char *label, struct module_key *out, struct rota_fail *why);

/* In any thread, with a session of its own. */
ROTA_MUST_USE CK_RV module_sign(const struct module *m, CK_SESSION_HANDLE session,
	CK_OBJECT_HANDLE key, const uint8_t digest[static ROTA_SHA256_LEN],
	uint8_t sig[static ROTA_P256_SIG_LEN]);

#endif
