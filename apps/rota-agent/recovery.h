/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/recovery.h -- the part of a cycle that brings recovery orders, and `rota-agent recover`. */
#ifndef APPS_ROTA_AGENT_RECOVERY_H
#define APPS_ROTA_AGENT_RECOVERY_H

#include "apps/rota-agent/cycle.h"

/* What a cycle wants of an order, into `take`. Errors as of the carrier, with `why`. */
ROTA_MUST_USE enum rota_err agent_recovery_fetch(struct agent *a,
	const struct rota_update_want *want, void *ctx,
	enum rota_err (*take)(void *ctx, struct rota_span piece), struct rota_fail *why);

/* Say what became of an order that was found in this cycle. `asked`: somebody brought it, so that one that is not for
 * this device is worth a line too. */
void agent_recovery_say(const struct rota_update *u, bool asked);

/* Say of the order that the device follows that it failed, once: `before` is as the journal spoke of it before the cycle. */
void agent_recovery_say_failed(const struct rota_update *u, const struct rota_ordered *before);

/* Where a pack comes from. */
struct agent_recover {
	const char *file; /* a pack, or the folder of one; or NULL: */
	const char *line; /* a serial device */
	unsigned wait_s; /* for a sender; 0: for ever */
};

/* Take the order of one pack. The exit status: 0 it is the device's now, 1 refused or failed, 3 as of --once. */
int agent_recover(struct agent *a, const struct agent_recover *from);

#endif
