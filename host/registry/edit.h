/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/edit.h -- what people say of a device: records OWNER and EDIT (SPEC 30.4, 30.5).
 *
 *     OWNER  {"by","owner","why"}: the device goes to another owner
 *     EDIT   {"by","why"} and some of "channel", "group", "hardware", "region", "replaces", "state"
 *
 * Canonical JSON. `replaces` is the id of a device whose place this one took: that one leaves the fleet. `state` can be
 * "decommissioned" only.
 */
#ifndef HOST_REGISTRY_EDIT_H
#define HOST_REGISTRY_EDIT_H

#include "host/registry/fleet.h"

/* *result says what came of it; errors are the database's. */
ROTA_MUST_USE enum rota_err rota_edit_owner(const struct rota_regdb *reg,
	const struct rota_record *record, enum rota_fleet_result *result, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_edit_device(const struct rota_regdb *reg,
	const struct rota_record *record, enum rota_fleet_result *result, struct rota_fail *why);

#endif
