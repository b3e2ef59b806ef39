/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/entropy.h -- rota/port/random.h over the generator of a PKCS#11 token, in a process of its own as every
 * token is (pool.h).
 *
 * That process logs in and pours: it draws 64 KiB a call (C_GenerateRandom) and stays as far ahead as a socket holds, so
 * that who asks seldom waits. No byte is given out twice.
 *
 * *What is not believed.* A generator that is stuck, or a module that says yes and fills nothing, gives two equal pieces
 * of 16 bytes, one behind the other: ROTA_ERR_IO, for good (the continuous test of FIPS 140-2, 4.9.2). And all bytes are
 * mixed with as many of the operating system's: who knows what the one gives does not know what comes out.
 */
#ifndef PORTS_PKCS11_ENTROPY_H
#define PORTS_PKCS11_ENTROPY_H

#include "ports/pkcs11/pkcs11.h"
#include "rota/port/random.h"

struct rota_pkcs11_entropy;

/* The other strings of `token` are not in use any more when this returns, its name is. */
ROTA_MUST_USE enum rota_err rota_pkcs11_entropy_open(const struct rota_pkcs11_token *token,
	struct rota_pkcs11_entropy **out, struct rota_fail *why);

/* The port; good until the end. Any thread may fill: one at a time does. */
struct rota_random rota_pkcs11_entropy_random(struct rota_pkcs11_entropy *e);

/* Why it last failed; err 0: it did not. */
struct rota_fail rota_pkcs11_entropy_why(struct rota_pkcs11_entropy *e);

/* NULL: none. */
void rota_pkcs11_entropy_close(struct rota_pkcs11_entropy *e);

#endif
