/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/holding.h -- what each device holds, has proved, uses and needs: records STATEMENT (SPEC 35).
 *
 * The payload is the statement's bytes. Kinds 1 and 3 are numbered by the agree key that they bring, kinds 2 and 4 by the
 * device's own count; either number must rise, so that no statement of yesterday undoes one of today. One agree key may come
 * with proofs of several purposes: then its number stays, and it counts once for each generation.
 */
#ifndef HOST_REGISTRY_HOLDING_H
#define HOST_REGISTRY_HOLDING_H

#include "host/registry/fleet.h"

/* What would come of a statement of this device now, by order alone: TAKEN, REPEATED, STALE, or STRANGER where it is not of
 * the fleet. payload: its bytes. Nothing is written. Errors are the database's. */
ROTA_MUST_USE enum rota_err rota_holding_judge(const struct rota_regdb *reg,
	const struct rota_reg_device *d, const struct rota_statement *s, struct rota_span payload,
	enum rota_fleet_result *result, struct rota_fail *why);

/* *result says what came of it; errors are the database's. */
ROTA_MUST_USE enum rota_err rota_holding_apply(const struct rota_regdb *reg,
	const struct rota_record *record, enum rota_fleet_result *result, struct rota_fail *why);

/* The device has proved a generation, by a statement or as its row says; a lower one than is known changes nothing. */
ROTA_MUST_USE enum rota_err rota_holding_proved(const struct rota_regdb *reg, const char *id,
	uint8_t purpose, uint32_t generation, uint64_t at_ms, struct rota_fail *why);

#endif
