/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/holding.h -- a token's session holder, started by the supervisor: what it is told, and that its keys are the ones meant. */
#ifndef APPS_ROTA_SIGND_HOLDING_H
#define APPS_ROTA_SIGND_HOLDING_H

#include "apps/rota-signd/plan.h"

/* A holder's pid where it is not to be started anew. */
#define HOLDING_NOT_AGAIN (-1)

/* Start it, on the sockets that it has, and learn its keys; once more when it ended. A slot's PIN is asked of its keeper, and
 * when that fails no process is left. ROTA_ERR_DENIED: a PIN was refused, or the token has another key than it had, or than the
 * slot's root names: not to be tried again. */
ROTA_MUST_USE enum rota_err holding_start(
	const struct plan *plan, struct holder *h, struct rota_fail *why);

#endif
