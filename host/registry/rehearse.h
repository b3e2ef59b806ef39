/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/rehearse.h -- what would come of a record, before it is written.
 *
 * The rules of fleet.h over a registry whose writing does nothing. So who asks that something be recorded hears at once
 * that it would change nothing, and why; and nothing is judged by two rules. On a connection that only looks, too.
 */
#ifndef HOST_REGISTRY_REHEARSE_H
#define HOST_REGISTRY_REHEARSE_H

#include "host/registry/fleet.h"

/* As rota_fleet_apply(), and nothing is written. */
ROTA_MUST_USE enum rota_err rota_fleet_rehearse(const struct rota_regdb *reg,
	const struct rota_record *record, struct rota_fleet_news *news, struct rota_fail *why);

#endif
