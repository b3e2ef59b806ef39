/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-seald/holders.h -- the processes that hold keys of the token, and what they unwrap.
 *
 * All of them are there before a key is unwrapped: a child that is made later would take along what lies in memory here.
 * Each unwraps once, then nobody can ask it for another.
 */
#ifndef APPS_ROTA_SEALD_HOLDERS_H
#define APPS_ROTA_SEALD_HOLDERS_H

#include "apps/rota-seald/config.h"
#include "host/campaign/keywrap.h"
#include "ports/pkcs11/entropy.h"
#include "rota/crypto/hmac.h"

/* What main() ends with when a token refused its PIN: whoever starts it again and again locks the token. */
#define HOLDERS_PIN_REFUSED 3

/* What opening a token came to, handed on; that it refused its PIN is remembered for holders_refused(). */
enum rota_err holders_saw(enum rota_err err);
bool holders_refused(void);

struct holders {
	struct rota_sealer book, registry, copies; /* all zeros: not open */
};

/* The one that wraps copies of this purpose, those of book and registry; purpose 0: of the registry alone. What is open stays so
 * after an error. */
ROTA_MUST_USE enum rota_err holders_open(
	const struct config *c, uint8_t purpose, struct holders *h, struct rota_fail *why);
void holders_close(struct holders *h);

ROTA_MUST_USE enum rota_err holders_entropy(
	const struct config *c, struct rota_pkcs11_entropy **out, struct rota_fail *why);

/* The key that wraps copies of a purpose. */
ROTA_MUST_USE enum rota_err holders_copies(
	const struct config *c, uint8_t purpose, struct rota_sealer *out, struct rota_fail *why);

/* The registry's key, begun; the books' key, which the caller wipes, as the first. */
ROTA_MUST_USE enum rota_err holders_registry(
	const struct config *c, struct holders *h, struct rota_hmac *out, struct rota_fail *why);
ROTA_MUST_USE enum rota_err holders_book(const struct config *c, struct holders *h,
	uint8_t key[static ROTA_KEYWRAP_KEY_LEN], struct rota_fail *why);

/* Secrets of the whole fleet pass through this process: none of its memory reaches the swap, from now on. Where the settings say
 * `lock = no`, on a machine for trials, it may. */
ROTA_MUST_USE enum rota_err holders_lock_memory(const struct config *c, struct rota_fail *why);

#endif
