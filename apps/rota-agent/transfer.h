/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/transfer.h -- a file from a server, over several connections where one breaks off.
 *
 * A transfer that brought something and then broke off is gone on with from the byte where it ended, in the same
 * cycle: what was fed is in the update already, and length and digest are checked over all of it. Tries and
 * the time in all are bounded; between two tries the agent waits, twice as long each time, or as long as the server asks.
 * A server that cannot be reached to begin with is the next cycle's business, and the poll schedule's.
 */
#ifndef APPS_ROTA_AGENT_TRANSFER_H
#define APPS_ROTA_AGENT_TRANSFER_H

#include "apps/rota-agent/cycle.h"

/* As rota_fetch_get(); get->total_s is the deadline over all tries. `steady`: the file never changes under its name, so that
 * its end fits a beginning from before. */
ROTA_MUST_USE enum rota_err agent_transfer(
	struct agent *a, const struct rota_fetch_get *get, bool steady, struct rota_fail *why);

#endif
