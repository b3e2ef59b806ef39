/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/signer_soft.h -- host/port/signer.h with keys in memory: a token that can be told to misbehave. */
#ifndef TESTS_UNIT_SIGNER_SOFT_H
#define TESTS_UNIT_SIGNER_SOFT_H

#include "host/sign/tokens.h"

#include <openssl/evp.h>

#define SOFT_TOKENS 8

enum soft_mood {
	SOFT_WELL,
	SOFT_ABSENT, /* does not open */
	SOFT_LIES, /* its signatures do not verify */
};

/* One key per token, whatever its label. */
struct soft {
	EVP_PKEY *key[SOFT_TOKENS];
	enum soft_mood mood[SOFT_TOKENS];
	unsigned opened[SOFT_TOKENS]; /* times */
};

void soft_make(struct soft *s);
void soft_free(struct soft *s);

/* Opens token n of `dir` as key n. */
struct rota_opener soft_opener(struct soft *s);

/* An authority with tokens t0, t1, ... and one party "role" that seats the first `seats` of them. */
void soft_authdir(struct rota_authdir *dir, size_t seats, unsigned threshold);

#endif
