/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/hooks.h -- programs of the device's maker before and after an image is written.
 *
 * The hooks of a slot stand around its port: `before` runs before the first byte is written, or a write is gone on
 * with; `after` when the whole image is written and verified, before a trial of it is asked for. They are run as
 * programs, without a shell, with a deadline, and with nothing in the environment but
 *
 *     PATH, LC_ALL           the system's directories; C
 *     ROTA_HOOK              before, after
 *     ROTA_SLOT_NAME         as in the configuration
 *     ROTA_PRODUCT           the device's
 *     ROTA_DIGEST            of the image, 64 hex digits: as a trial is asked for
 *     ROTA_LENGTH            of the image in bytes
 *
 * Exit status 0: go on. 75 (EX_TEMPFAIL): hold, not now; the next poll asks again. Anything else, and a deadline
 * that passes: refused; it is reported as a failure, and asked again at the next poll. Each run is said in a line.
 *
 * The image of a recovery order is held and refused for about a day (host/agent/patience.h, SPEC 15.8); from then on its
 * hooks run and are overruled.
 */
#ifndef APPS_ROTA_AGENT_HOOKS_H
#define APPS_ROTA_AGENT_HOOKS_H

#include "apps/rota-agent/config.h"
#include "host/agent/patience.h"
#include "rota/port/slots.h"
#include "rota/update/update.h"

#include <signal.h>

struct agent_hooks {
	struct rota_slots port; /* its ctx is this struct: do not move it */
	const struct rota_slots *inner;
	const struct agent_slot *slot;
	const char *product;
	const volatile sig_atomic_t *stop; /* ends a hook early, as hold; may be NULL */
	const struct rota_update *update; /* the cycle that writes; NULL between cycles */
	struct rota_patience *patience; /* with what holds up its order, of all slots */
	uint8_t digest[ROTA_SHA256_LEN]; /* of the image that is written */
	uint64_t length;
};

/* Whether the programs of both hooks are there. ROTA_ERR_NOT_FOUND, ROTA_ERR_DENIED: one is not, or is not executable;
 * `why` names it and its line. */
ROTA_MUST_USE enum rota_err agent_hooks_look(
	const struct agent_config *config, const struct agent_slot *slot, struct rota_fail *why);

/* The hooks of `slot` around `inner`. All stays in use. Errors of agent_hooks_look(). */
ROTA_MUST_USE enum rota_err agent_hooks_init(struct agent_hooks *h, const struct rota_slots *inner,
	const struct agent_slot *slot, const struct agent_config *config, struct rota_fail *why);

#endif
