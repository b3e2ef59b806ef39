/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/ck.h -- what a PKCS#11 return value means: to a person, and to who must go on. */
#ifndef PORTS_PKCS11_CK_H
#define PORTS_PKCS11_CK_H

#include "host/base/fail.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

/* "DOING: what the value says"; gives the error that stands for it. */
enum rota_err ck_fail(struct rota_fail *why, CK_RV rv, const char *doing);

/* Session, login, handles or the token itself are gone: nothing goes on before the token is opened anew. */
bool ck_lost(CK_RV rv);

#endif
