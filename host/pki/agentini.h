/* SPDX-License-Identifier: Apache-2.0 */
/* host/pki/agentini.h -- the agent's first configuration, from what the factory knows (rota-agent.ini(5)). */
#ifndef HOST_PKI_AGENTINI_H
#define HOST_PKI_AGENTINI_H

#include "host/pki/enrol.h"

void rota_agentini(
	const struct rota_authdir *dir, const struct rota_enrol_plan *plan, struct rota_bytes *out);

#endif
