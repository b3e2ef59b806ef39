/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/gate_certificate.h -- the log writer's own look at a certificate before an authority's key signs it (SPEC 20.5). */
#ifndef APPS_ROTA_SIGND_GATE_CERTIFICATE_H
#define APPS_ROTA_SIGND_GATE_CERTIFICATE_H

#include "apps/rota-signd/plan.h"
#include "host/notary/revoked.h"

/* Whether a leaf ISSUED with this private record is of what the request (`ask`, its bytes) asks for, and of nothing more. ROTA_ERR_ARGUMENT:
 * the request is not one for it. Errors also as rota_certify() and rota_tbs_is(). */
ROTA_MUST_USE enum rota_err gate_certificate(const struct plan *plan,
	const struct rota_revocations *revoked, const struct rota_leaf *leaf,
	struct rota_span record, struct rota_span ask, uint64_t now, struct rota_fail *why);

/* The same of a leaf RESPONDER (SPEC 29.8). */
ROTA_MUST_USE enum rota_err gate_responder(const struct plan *plan, const struct rota_leaf *leaf,
	struct rota_span record, struct rota_span ask, uint64_t now, struct rota_fail *why);

/* Whether a leaf CRL is of the list that follows from the log (SPEC 20.7). */
ROTA_MUST_USE enum rota_err gate_crl(const struct plan *plan,
	const struct rota_revocations *revoked, const struct rota_leaf *leaf,
	struct rota_span record, uint64_t now, struct rota_fail *why);

#endif
