/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/doctor.h -- `rota-agent doctor`: look at everything that a cycle rests on, in its order.
 *
 * One line per step, `ok` or `wrong` with what to do, or `skipped` where an earlier step stands in the way.
 * Changes nothing. Exit status 1 when something is wrong.
 */
#ifndef APPS_ROTA_AGENT_DOCTOR_H
#define APPS_ROTA_AGENT_DOCTOR_H

#include "apps/rota-agent/config.h"

int agent_doctor(const char *config_path);

/* The key file belongs to this user and nobody else may read it. */
ROTA_MUST_USE enum rota_err agent_key_private(
	const struct agent_config *config, struct rota_fail *why);

#endif
