/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/fleet.h -- from journal records to the registry: who is of the fleet, what each holds of keys, what
 * campaigns there are (SPEC 30, 35.6).
 *
 * A pure function of the journal, as registry.h is, and in the same transaction: apply this one first, then
 * rota_registry_apply(), which moves the position. Records of types 4 to 9 are its own; a report only shows that a
 * device came. Whoever put a record into the journal has verified it: a statement's signature and proof by rotad, a row by signd.
 * What is judged here is what only the order of records tells: a number that does not rise, a row that is older than the
 * one that is here, a device that is not of the fleet, a step that a campaign cannot take. Such a record changes nothing and
 * is told; so does one that cannot be read, which a later release wrote.
 */
#ifndef HOST_REGISTRY_FLEET_H
#define HOST_REGISTRY_FLEET_H

#include "host/ingest/record.h"
#include "host/port/regdb.h"

enum rota_fleet_result {
	ROTA_FLEET_NOTHING, /* a record of another kind */
	ROTA_FLEET_TAKEN,
	ROTA_FLEET_REPEATED, /* it was known */
	ROTA_FLEET_STALE, /* it comes out of turn: its number did not rise, or what is here is newer */
	ROTA_FLEET_STRANGER, /* no device of the fleet, or no longer; no such campaign */
	ROTA_FLEET_UNREADABLE,
	ROTA_FLEET_RESULTS
};

struct rota_fleet_news {
	uint8_t type; /* of the record */
	char device[ROTA_DB_ID_LEN];
	enum rota_fleet_result result;
};

/* One record, within the caller's transaction. Errors are the database's. */
ROTA_MUST_USE enum rota_err rota_fleet_apply(const struct rota_regdb *reg,
	const struct rota_record *record, struct rota_fleet_news *news, struct rota_fail *why);

/* What came of a record, for a sentence: "taken", "repeated", "stale", "stranger", "unreadable"; "nothing". */
const char *rota_fleet_word(enum rota_fleet_result result);

#endif
