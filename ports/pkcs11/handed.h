/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/handed.h -- tokens whose PINs nobody but their own processes and a keeper ever sees (SPEC 23.3).
 *
 * Both PINs of such a token, the user's and the security officer's, are drawn in the process that makes it, and go from there over a
 * connection (host/base/frame.h) to who keeps them; on the day they come back the same way into the process that uses them: a
 * session holder (pool.h), or one that empties the token. Where no daemon has the slots it is one that writes them into
 * token->pin_file, as two lines. Who calls these functions holds the connection and never reads that frame.
 *
 * Tokens are used again: one that was released is claimed by the next that is made.
 */
#ifndef PORTS_PKCS11_HANDED_H
#define PORTS_PKCS11_HANDED_H

#include "host/base/apart.h"
#include "ports/pkcs11/pkcs11.h"

/* Both PINs and what divides them. */
#define ROTA_HANDED_MAX 128

/* Draw PINs; send them over `keeper` as a frame, and hear that they are kept; only then make the token of token->label, and
 * the two keys in it. ROTA_ERR_STATE: a token of that label is there. */
ROTA_MUST_USE enum rota_err rota_pkcs11_handed_make(const struct rota_pkcs11_token *token,
	int keeper, const char *const keys[static 2], uint8_t (*points)[ROTA_P256_KEY_LEN],
	struct rota_fail *why);

/* Read the frame with the PINs from `keeper` into token->pin_file, durably; then answer with a frame that is empty. */
ROTA_MUST_USE enum rota_err rota_pkcs11_handed_take(
	const struct rota_pkcs11_token *token, int keeper, struct rota_fail *why);

/* Destroy all that is in the token, with the PINs of token->pin_file, which stays. ROTA_ERR_NOT_FOUND: no such token. */
ROTA_MUST_USE enum rota_err rota_pkcs11_handed_release(
	const struct rota_pkcs11_token *token, struct rota_fail *why);

/* The same with PINs that come over `keeper`, both keys first, as this user (NULL: stay); then answer with a frame that is empty. A
 * token that is not there is empty. token->handed. */
ROTA_MUST_USE enum rota_err rota_pkcs11_handed_empty(const struct rota_pkcs11_token *token,
	const char *const keys[static 2], const struct rota_user *user, int keeper,
	struct rota_fail *why);

#endif
