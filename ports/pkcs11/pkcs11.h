/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/pkcs11.h -- host/port/signer.h over any PKCS#11 module.
 *
 * A signer is a session holder (pool.h) with one thread and one order at a time: a process of its own for each open
 * token, in which the module is loaded and nowhere else.
 *
 * The PIN comes from a file that belongs to us and nobody else can read (mode 0600 or 0400, else refused), or
 * from the terminal without echo. It is never an argument or a variable, and is wiped after the login.
 */
#ifndef PORTS_PKCS11_PKCS11_H
#define PORTS_PKCS11_PKCS11_H

#include "host/port/signer.h"

#include <stdbool.h>
#include <stddef.h>

struct rota_pkcs11_token {
	const char *name; /* what messages call it */
	const char *dir; /* working directory of the child */
	const char *module; /* path of the module */
	const char *label; /* CKA_LABEL of the token, at most 32 bytes */
	const char *pin_file; /* NULL or "": ask on the terminal */
	const char *environment; /* "NAME=VALUE NAME=VALUE ...", NULL for none */
	unsigned
		patience_ms; /* for an answer of a sealer; 0: that of a network HSM behind a bad line */
	bool lock; /* of who takes orders: all memory of the process that holds it stays out of the swap */
	bool handed; /* the PIN comes from a keeper (handed.h), from no file and no terminal */
};

/* Load, find the token by its label, log in, find these keys; the signer knows no others. One that is not there is no
 * error before it is asked for. The labels stay in use, the other strings do not. */
ROTA_MUST_USE enum rota_err rota_pkcs11_open(const struct rota_pkcs11_token *token,
	const char *const *keys, size_t key_count, struct rota_signer *out, struct rota_fail *why);

/* Initialise an empty slot as this token, with the security officer's PIN from `so_pin_file` and the user PIN
 * from token->pin_file, and generate P-256 key pairs with these labels in it, as rota_pkcs11_generate() does.
 * ROTA_ERR_STATE: a token of that label is there already. */
ROTA_MUST_USE enum rota_err rota_pkcs11_create(const struct rota_pkcs11_token *token,
	const char *so_pin_file, const char *const *keys, size_t key_count, struct rota_fail *why);

/* A P-256 key pair of this label in a token that is there; its public half into `point`. The token must say of it that it
 * is sensitive, not extractable and was made in the token, else it goes again: ROTA_ERR_DENIED. ROTA_ERR_STATE: there
 * is a key of that label. */
ROTA_MUST_USE enum rota_err rota_pkcs11_generate(const struct rota_pkcs11_token *token,
	const char *key, uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why);

/* Destroy both halves of the key of this label, if it `is_it` that is meant, by its public half: else ROTA_ERR_HASH.
 * ROTA_ERR_NOT_FOUND: there is none. */
ROTA_MUST_USE enum rota_err rota_pkcs11_destroy(const struct rota_pkcs11_token *token,
	const char *key, bool (*is_it)(const void *ctx, const uint8_t *point), const void *ctx,
	struct rota_fail *why);

#endif
