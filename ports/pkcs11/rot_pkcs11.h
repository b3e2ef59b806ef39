/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/rot_pkcs11.h -- rota/port/rot.h in a PKCS#11 token: a secure element, a TPM behind tpm2-pkcs11.
 *
 * As every token it lives in a process of its own (pool.h), with its PIN. Keys are found by their labels,
 * `rota-identity`, `rota-ldevid-0`, `rota-agree-0`, `rota-wrap-0`, `rota-seed` and so on.
 *
 * Tokens can less than TPMs: none quotes. One without CKM_ECDH1_DERIVE has no agree keys: ROTA_ERR_UNSUPPORTED. Where
 * CKM_AES_GCM lacks, wrap keys lie in another root of trust that the caller brings, and the capabilities are that
 * one's as far as it goes.
 */
#ifndef PORTS_PKCS11_ROT_PKCS11_H
#define PORTS_PKCS11_ROT_PKCS11_H

#include "ports/pkcs11/pkcs11.h"
#include "rota/port/rot.h"

#include <sys/types.h>

/* What a rota_rot_pkcs11 works with; all outlive it, but what `token` points to. */
struct rota_rot_pkcs11_parts {
	const struct rota_pkcs11_token *token;
	const struct rota_p256 *
		p256; /* looks at the points of peers: modules differ in what they say of bad ones */
	const struct rota_random *random; /* the operating system's */
	const struct rota_rot
		*wraps; /* for a token without CKM_AES_GCM; NULL: it has no wrap keys then */
};

struct rota_rot_pkcs11 {
	struct rota_rot port; /* its ctx is this struct: do not move it while it is open */
	struct rota_rot_pkcs11_parts with;
	struct rota_fail why; /* of the last call that failed in the token */
	int fd;
	pid_t pid;
	bool agrees; /* CKM_ECDH1_DERIVE */
};

/* Load, find the token by its label, log in. */
ROTA_MUST_USE enum rota_err rota_rot_pkcs11_open(struct rota_rot_pkcs11 *t,
	const struct rota_rot_pkcs11_parts *parts, struct rota_fail *why);
void rota_rot_pkcs11_close(struct rota_rot_pkcs11 *t);

#endif
