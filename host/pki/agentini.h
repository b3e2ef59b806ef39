/* SPDX-License-Identifier: Apache-2.0 */
/* host/pki/agentini.h -- the agent's first configuration, from what the factory knows (rota-agent.ini(5)). */
#ifndef HOST_PKI_AGENTINI_H
#define HOST_PKI_AGENTINI_H

#include "host/pki/enrol.h"

/* With a setting's name before it and a file's behind it, a line that the agent reads (ROTA_INI_LINE_MAX). */
#define ROTA_AGENTINI_VALUE_MAX 160

/* Whether the agent would read this value as it stands. */
bool rota_agentini_holds(const char *value);

/* All texts of the plan are ones that it holds. */
void rota_agentini(
	const struct rota_authdir *dir, const struct rota_enrol_plan *plan, struct rota_bytes *out);

#endif
