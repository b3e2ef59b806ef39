/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/status.h -- `rota-agent status`: what this device trusts, runs and is about to do.
 *
 * Reads the journal beside an agent that runs; gives the exit status.
 */
#ifndef APPS_ROTA_AGENT_STATUS_H
#define APPS_ROTA_AGENT_STATUS_H

#include "apps/rota-agent/config.h"

int agent_status(const struct agent_config *config, bool json);

#endif
