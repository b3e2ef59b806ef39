/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-seald/services.h -- [serve] and [service NAME] of seald.ini(5): who gets keys of devices, and which. */
#ifndef APPS_ROTA_SEALD_SERVICES_H
#define APPS_ROTA_SEALD_SERVICES_H

#include "host/base/ini.h"
#include "host/notary/rate.h"
#include "ports/pkcs11/pkcs11.h"
#include "rota/port/p256.h"

/* One application back end for each purpose, old and new. */
#define SERVICES_MAX 8

struct service {
	const char *name;
	uint8_t spki[32]; /* SHA-256 of its certificate's SubjectPublicKeyInfo */
	unsigned purposes; /* bit n: purpose n */
	bool has_agree;
	uint8_t agree[ROTA_P256_KEY_LEN]; /* point of a key of its token, for `hand` into a file */
	struct rota_pkcs11_token token; /* at hand, for `hand` into it; module NULL: it is not */
	struct rota_rule rule; /* of which the rate counts */
	struct rota_rate rate;
};

struct services {
	/* NULL: not set */
	const char *socket; /* where nginx connects */
	const char *front; /* nginx's user: nobody else may connect */
	const char *client_ca, *crl; /* PEM */
	const char *certificate, *key, *listen; /* of nginx */
	struct service at[SERVICES_MAX];
	size_t count;
};

/* Names point into `ini`. ROTA_ERR_FORMAT: the sentence names section and key. */
ROTA_MUST_USE enum rota_err services_load(
	struct rota_ini *ini, struct services *out, struct rota_fail *why);

/* The service of this name; NULL: none. */
const struct service *services_named(const struct services *s, const char *name);

/* The service of this certificate; NULL: none. */
struct service *services_find(struct services *s, const uint8_t spki[static 32]);

#endif
