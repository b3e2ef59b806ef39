/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/approval_sign.h -- an officer's yes or no, by a token at hand (SPEC 20.1). */
#ifndef APPS_ROTA_APPROVAL_SIGN_H
#define APPS_ROTA_APPROVAL_SIGN_H

#include "apps/rota/session.h"
#include "host/notary/approval.h"

/* With the key of [keys approval] in this token, or (NULL) in the first that opens. out: ask, expires_s and refuse are given. */
ROTA_MUST_USE enum rota_err approval_sign(
	struct session *s, const char *token, struct rota_approval *out);

#endif
