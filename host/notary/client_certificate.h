/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/client_certificate.h -- certificates of devices from the signing daemon (SPEC 18.3, 19.8): who takes requests from
 * devices, as a station in the factory and an EST server do, hands them on and has no say in them. */
#ifndef HOST_NOTARY_CLIENT_CERTIFICATE_H
#define HOST_NOTARY_CLIENT_CERTIFICATE_H

#include "host/notary/client.h"

/* A request of SPEC 29.3, with what goes along; the last two may be empty. */
struct rota_certificate_ask {
	const char *scope, *reason;
	const char *party; /* "device-ca" or "operational-ca" */
	struct rota_span csr, endorsement, identity, ldevid;
};

/* The daemon's nonce for a device (SPEC 29.2), whose id is 64 hex digits. ROTA_ERR_NOT_FOUND: it issues no certificates of
 * this scope. */
ROTA_MUST_USE enum rota_err rota_client_nonce(struct rota_client *c, const char *scope,
	const char *device, uint8_t out[static 32], struct rota_fail *why);

/* The certificate, DER, which the caller verifies and frees. Not granted: as rota_client_verdict() says. ROTA_ERR_BUSY: what
 * it says is no answer, as where it has too many connections: of the request nothing is said. ROTA_ERR_LIMIT: a part is longer than any
 * that is taken. */
ROTA_MUST_USE enum rota_err rota_client_certificate(struct rota_client *c,
	const struct rota_certificate_ask *ask, struct rota_bytes *der, struct rota_fail *why);

#endif
