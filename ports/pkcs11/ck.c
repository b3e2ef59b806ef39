/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/pkcs11/ck.h"

#include <stddef.h>

static const struct {
	CK_RV rv;
	enum rota_err err;
	bool lost;
	const char *text;
} known[] = {
	{ CKR_PIN_INCORRECT, ROTA_ERR_DENIED, false, "the PIN is wrong" },
	{ CKR_PIN_LOCKED, ROTA_ERR_DENIED, false,
		"the PIN is locked after wrong tries; the security officer can unlock it" },
	{ CKR_PIN_EXPIRED, ROTA_ERR_DENIED, false, "the PIN has expired" },
	{ CKR_PIN_LEN_RANGE, ROTA_ERR_DENIED, false, "the PIN has a wrong length" },
	{ CKR_PIN_INVALID, ROTA_ERR_DENIED, false,
		"the PIN holds characters that the token refuses" },
	{ CKR_USER_PIN_NOT_INITIALIZED, ROTA_ERR_DENIED, false, "the token has no user PIN yet" },
	{ CKR_TOKEN_WRITE_PROTECTED, ROTA_ERR_DENIED, false, "the token is write-protected" },
	{ CKR_DEVICE_MEMORY, ROTA_ERR_FULL, false, "the token is full" },
	{ CKR_MECHANISM_INVALID, ROTA_ERR_UNSUPPORTED, false, "the token has no ECDSA P-256" },
	{ CKR_USER_NOT_LOGGED_IN, ROTA_ERR_IO, true, "the token has forgotten the login" },
	{ CKR_TOKEN_NOT_PRESENT, ROTA_ERR_IO, true, "the token is not plugged in" },
	{ CKR_DEVICE_REMOVED, ROTA_ERR_IO, true, "the token was pulled out" },
	{ CKR_DEVICE_ERROR, ROTA_ERR_IO, true, "the token reports a device error" },
	{ CKR_GENERAL_ERROR, ROTA_ERR_IO, true, "the PKCS#11 module reports a general error" },
	{ CKR_SESSION_HANDLE_INVALID, ROTA_ERR_IO, true, "the token has ended the session" },
	{ CKR_SESSION_CLOSED, ROTA_ERR_IO, true, "the token has closed the session" },
	{ CKR_CRYPTOKI_NOT_INITIALIZED, ROTA_ERR_IO, true, "the PKCS#11 module has ended" },
	{ CKR_KEY_HANDLE_INVALID, ROTA_ERR_IO, true, "the key is gone from the token" },
	{ CKR_OBJECT_HANDLE_INVALID, ROTA_ERR_IO, true, "the key is gone from the token" },
};

enum rota_err ck_fail(struct rota_fail *why, CK_RV rv, const char *doing)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].rv == rv)
			return rota_fail(why, known[i].err, "%s: %s", doing, known[i].text);
	return rota_fail(why, ROTA_ERR_IO, "%s: PKCS#11 error 0x%lx", doing, (unsigned long)rv);
}

bool ck_lost(CK_RV rv)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].rv == rv)
			return known[i].lost;
	return false;
}
