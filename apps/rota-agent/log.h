/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/log.h -- the device log (rota/store/devlog.h) as a file of the state folder, and `rota-agent log`. */
#ifndef APPS_ROTA_AGENT_LOG_H
#define APPS_ROTA_AGENT_LOG_H

#include "apps/rota-agent/device.h"

/* Open STATE/NAME/log.bin, or make it. What is wrong with it stops no update: then d->log stays NULL, and *why says
 * what to do. After agent_state_open(). */
ROTA_MUST_USE enum rota_err agent_log_open(struct agent_device *d, struct rota_fail *why);

/* Whether the chain leads to `logged`; *kept: entries that are here. It changes nothing. *why says what is wrong. */
ROTA_MUST_USE enum rota_err agent_log_verify(struct agent_device *d,
	const struct rota_logged *logged, uint64_t *kept, struct rota_fail *why);

/* Print what is kept, oldest first, or with `verify` only whether the chain leads to what the journal names. Gives the
 * exit status. It may be asked beside an agent that runs. */
int agent_log(const struct agent_config *config, bool json, bool verify);

#endif
