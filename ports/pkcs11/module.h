/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/module.h -- one PKCS#11 module with one session, inside the child process.
 *
 * Slot numbers change, so a token is found by its label. CKM_ECDSA signs the digest and gives r || s;
 * CKA_EC_POINT is a DER OCTET STRING around the point.
 */
#ifndef PORTS_PKCS11_MODULE_H
#define PORTS_PKCS11_MODULE_H

#include "host/port/signer.h"
#include "ports/pkcs11/pin.h"

#include <p11-kit/pkcs11.h>

struct module {
	void *library;
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE session;
};

/* dlopen and C_Initialize. */
ROTA_MUST_USE enum rota_err module_load(struct module *m, const char *path, struct rota_fail *why);

/* A read-write session with the token of this label, logged in as its user. */
ROTA_MUST_USE enum rota_err module_login(
	struct module *m, const char *label, const struct pin *pin, struct rota_fail *why);

/* Give the label and both PINs to a slot whose token is not initialised. */
ROTA_MUST_USE enum rota_err module_init_token(struct module *m, const char *label,
	const struct pin *so_pin, const struct pin *pin, struct rota_fail *why);

ROTA_MUST_USE enum rota_err module_generate(
	struct module *m, const char *key, struct rota_fail *why);
ROTA_MUST_USE enum rota_err module_public(struct module *m, const char *key,
	uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why);
ROTA_MUST_USE enum rota_err module_sign(struct module *m, const char *key,
	const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN],
	struct rota_fail *why);

#endif
