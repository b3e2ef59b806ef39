/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/deposit.h -- keys that were made elsewhere, put into the token of whoever uses them, from where they do not come out
 * again: secret keys for HMAC with SHA-256, sensitive, not extractable, found by label and id.
 *
 * Pairs of them: each id has one under each of two labels. The token is open in a process of its own, as every token is (pool.h). What
 * is there already stays as it is, so who was cut off does it again; but for what the token keeps otherwise than it would have been put
 * there, which is destroyed and put anew.
 */
#ifndef PORTS_PKCS11_DEPOSIT_H
#define PORTS_PKCS11_DEPOSIT_H

#include "ports/pkcs11/pkcs11.h"
#include "rota/base/span.h"

#include <stdint.h>

#define ROTA_DEPOSIT_ID_LEN 32
/* Values are shorter or as long; with zeros behind a shorter one they are the same HMAC key (RFC 2104 2), and some tokens take none below. */
#define ROTA_DEPOSIT_KEY_LEN 32

struct rota_pkcs11_deposit;

/* The labels, whose texts are copied. ROTA_ERR_NOT_FOUND: no such token; ROTA_ERR_DENIED: it refuses the PIN. */
ROTA_MUST_USE enum rota_err rota_pkcs11_deposit_open(const struct rota_pkcs11_token *token,
	const char *first, const char *second, struct rota_pkcs11_deposit **out,
	struct rota_fail *why);
void rota_pkcs11_deposit_close(struct rota_pkcs11_deposit *d);

/* Both keys of an id, but for those that the token had, and kept as they should be, when it was opened. ROTA_ERR_DENIED: the token keeps them otherwise than it
 * was told. ROTA_ERR_LIMIT: a value that is too long, or empty. ROTA_ERR_FULL: no room for more. */
ROTA_MUST_USE enum rota_err rota_pkcs11_deposit_put(struct rota_pkcs11_deposit *d,
	const uint8_t id[static ROTA_DEPOSIT_ID_LEN], struct rota_span first,
	struct rota_span second, struct rota_fail *why);

/* Destroy all of both labels; *count of them. */
ROTA_MUST_USE enum rota_err rota_pkcs11_deposit_destroy(
	struct rota_pkcs11_deposit *d, uint32_t *count, struct rota_fail *why);

#endif
