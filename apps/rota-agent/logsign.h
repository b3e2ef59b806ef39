/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/logsign.h -- the signature that a report carries over the device log (SPEC 13.6). */
#ifndef APPS_ROTA_AGENT_LOGSIGN_H
#define APPS_ROTA_AGENT_LOGSIGN_H

#include "host/base/bytes.h"
#include "host/fetch/fetch.h"

/* Put `signature` into a report, {"events":[...]}: over the `log` of its last event that has one, by the private key of
 * `server`, for the device of this id. A report without such an event stays as it is, and so does one on an error. */
ROTA_MUST_USE enum rota_err agent_logsign(struct rota_bytes *report,
	const struct rota_fetch_server *server, struct rota_span device, struct rota_fail *why);

#endif
