/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/identity.h -- who is of the fleet: records ENROL and ROW (SPEC 30.1, 30.2).
 *
 *     ENROL  row (256) || IDevID, DER
 *     ROW    row (256)
 *
 * A device is entered by ENROL alone, and never taken out: what it was stays to be asked. A row counts when it is newer than
 * the one that is here. Its HMAC is not looked at, for the key is not here: who seals to a row looks.
 */
#ifndef HOST_REGISTRY_IDENTITY_H
#define HOST_REGISTRY_IDENTITY_H

#include "host/registry/fleet.h"

/* Of the fleet: enrolled or active. All others get no keys, and need none. */
static inline bool rota_reg_lives(uint8_t state)
{
	return state == ROTA_REG_ENROLLED || state == ROTA_REG_ACTIVE;
}

/* enrolled, active, transferred, repaired, decommissioned; "" for a number that is none. */
const char *rota_reg_state_word(uint8_t state);

/* One record each. *result says what came of it; errors are the database's. */
ROTA_MUST_USE enum rota_err rota_identity_enrol(const struct rota_regdb *reg,
	const struct rota_record *record, enum rota_fleet_result *result, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_identity_row(const struct rota_regdb *reg,
	const struct rota_record *record, enum rota_fleet_result *result, struct rota_fail *why);

/* A report of the device came: one that was enrolled is active from then on. */
ROTA_MUST_USE enum rota_err rota_identity_seen(
	const struct rota_regdb *reg, const struct rota_record *record, struct rota_fail *why);

/* The device leaves the fleet: its state, and nothing of what it held stays. */
ROTA_MUST_USE enum rota_err rota_identity_leave(const struct rota_regdb *reg,
	struct rota_reg_device *device, enum rota_reg_state state, struct rota_fail *why);

/* The device of that id. *known: whether it is here; else *out has the id alone. Errors are the database's. */
ROTA_MUST_USE enum rota_err rota_identity_find(const struct rota_regdb *reg,
	const uint8_t id[static ROTA_DEVICE_ID_LEN], struct rota_reg_device *out, bool *known,
	struct rota_fail *why);

#endif
