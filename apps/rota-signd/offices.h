/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/offices.h -- the authorities whose certificates of devices this daemon signs (SPEC 19.8), as parser and log writer
 * both know them: their certificates, read before the processes part, and the secret of nonces, drawn at the first start and in
 * no file: who was given one before a restart with new settings may use it after that, and after any other asks for another. */
#ifndef APPS_ROTA_SIGND_OFFICES_H
#define APPS_ROTA_SIGND_OFFICES_H

#include "apps/rota-signd/plan.h"
#include "host/notary/certify.h"

struct plan_office {
	const struct rota_authdir *scope; /* NULL: it issues none */
	X509 *ca[2]; /* device-ca, operational-ca */
	struct rota_hmac nonce;
	struct rota_certify certify;
};

/* Of each scope that a rule of kind `certificate` is for, DIR/ca/device-ca.pem and operational-ca.pem. was: whose secret goes on;
 * NULL: a new one. */
ROTA_MUST_USE enum rota_err offices_open(
	struct plan *p, const struct plan *was, struct rota_fail *why);
void offices_close(struct plan *p);

/* In a process that has no use for it. */
void offices_forget(struct plan *p);

/* NULL: the daemon issues no certificates of that scope. */
const struct rota_certify *offices_find(const struct plan *p, const char *scope);

#endif
