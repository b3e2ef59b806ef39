/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/proof.h -- heads of device logs that their devices signed (SPEC 13.6).
 *
 * Of each device the newest heads are kept with signature and certificate, and the first that are two of one count: who
 * tells another history has signed both. What is not signed, or not well, never becomes one and takes none away.
 */
#ifndef HOST_REGISTRY_PROOF_H
#define HOST_REGISTRY_PROOF_H

#include "host/registry/delivery.h"
#include "host/registry/registry.h"
#include "host/registry/report.h"

/* Kept for each device, a kilobyte each: the last weeks of reports, and eight forks. */
#define ROTA_PROOFS_KEPT 16
#define ROTA_PROOFS_FORKED 16

/* Take what a report says of the log, the newest event that has `log`, and its signature. Without such an event nothing is
 * looked at. A head that is not the device's by its signature counts in d->log_unsigned, a second one of a count is told. */
ROTA_MUST_USE enum rota_err rota_proof_take(const struct rota_db *db,
	const struct rota_record *record, const struct rota_delivery *delivery,
	const struct rota_report *report, struct rota_db_device *d,
	struct rota_registry_alarm *alarm, struct rota_fail *why);

/* Whether it holds by itself: the certificate is the device's and its key signed this head. Errors are those of
 * rota_loghead_verify(), ROTA_ERR_FORMAT for a head that is none too. */
ROTA_MUST_USE enum rota_err rota_proof_verify(const struct rota_db_proof *proof);

#endif
