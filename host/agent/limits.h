/* SPDX-License-Identifier: Apache-2.0 */
/* host/agent/limits.h -- what the agent holds of a repository in memory.
 *
 * Far above what the roles of SPEC 3.2 need, and under a megabyte together: a device's memory is not for repositories
 * that it will never meet. More is ROTA_ERR_LIMIT with SPEC 4.8. For the device profile, which compares no snapshots. */
#ifndef HOST_AGENT_LIMITS_H
#define HOST_AGENT_LIMITS_H

#include "rota/update/session.h"

extern const struct rota_limits rota_limits_agent;

#endif
