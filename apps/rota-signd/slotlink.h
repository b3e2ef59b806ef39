/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/slotlink.h -- the supervisor's way to the keepers (SPEC 23.4): it asks, and a process that holds or empties a token
 * reads the PINs from the same connection. They never pass through the supervisor. */
#ifndef APPS_ROTA_SIGND_SLOTLINK_H
#define APPS_ROTA_SIGND_SLOTLINK_H

#include "apps/rota-signd/plan.h"

/* A connection on which the PINs of this slot come next; the caller closes it. */
ROTA_MUST_USE enum rota_err slotlink_hold(
	const struct holder *h, int *keeper, struct rota_fail *why);

/* Empty the tokens of all slots that are over, which a keeper has still. What fails is said, and false comes back: to be tried again. */
bool slotlink_empty(const struct plan *plan);

/* What somebody should know of a series: its slots cannot be held, or it has no keeper and the daemon does not stand before it. */
void slotlink_say(const struct plan *plan);

/* Whether each keeper answers whose slots are held now: without it a new set of processes could not hold them. */
ROTA_MUST_USE enum rota_err slotlink_answers(const struct plan *plan, struct rota_fail *why);

#endif
