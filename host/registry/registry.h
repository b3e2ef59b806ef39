/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/registry.h -- from journal records to the view of the fleet.
 *
 * A pure function of the journal: applying the same records in the same order gives the same rows, whatever
 * batches they came in and however often it was interrupted. An event counts once by (device id, sequence).
 * For each device the newest events are kept one by one; what is older is only counted, and a sequence at or
 * below the highest that was thrown away can no longer be told from a repeat, so it does not count again.
 *
 * Heads of device logs are held against each other: an event that is known comes with the head that it had, a new one
 * with more entries than any before. What does not is counted and told, and changes nothing else: a device whose
 * flash was put back, or two that have one identity. Who leaves the head out, to be held against nothing, is told of
 * as well: a new event without one where the newest had one. Heads that the device signed are
 * kept as proofs (proof.h).
 *
 * So are checkpoints of the signing log: one that a device tells anew is held against the log that this server publishes,
 * which only grows. Who shows a device another log than all others is so found out by the first report.
 *
 * What a device runs is what it confirmed: `version` and `release` follow `confirmed` events only. `state` is
 * the name of the event with the highest sequence.
 */
#ifndef HOST_REGISTRY_REGISTRY_H
#define HOST_REGISTRY_REGISTRY_H

#include "host/ingest/record.h"
#include "host/port/db.h"
#include "rota/port/crypto.h"

/* Events kept one by one for each device: two full updates with some refusals between. */
#define ROTA_REGISTRY_EVENTS_KEPT 64

/* What a record showed that a person must hear of. */
struct rota_registry_alarm {
	char device[ROTA_DB_ID_LEN];
	bool forked; /* a head of the device's log does not follow from those that are known (SPEC 11.4) */
	bool silent; /* it comes with no head, and the newest event before did */
	uint64_t seq; /* of the event, the last such one */
	bool unproven; /* the newest head is not signed by the device (SPEC 13.6) */
	bool proven; /* the device has signed two heads of `count` entries */
	uint64_t count;
	bool strange; /* it tells of a checkpoint that the signing log does not have (SPEC 22.5) */
	enum rota_err strange_err; /* as look() said; ROTA_ERR_FORMAT: it is none */
	char checkpoint[ROTA_DB_TEXT_LEN];
};

/* The signing log that this server publishes, to hold against it what devices saw of it (SPEC 22.5). */
struct rota_registry_log {
	void *ctx;
	/* ROTA_OK: these are its size and root at some time. ROTA_ERR_HASH: it had another root at that size.
	 * ROTA_ERR_NOT_FOUND: it has not so many entries. */
	enum rota_err (*look)(void *ctx, uint64_t size, const uint8_t root[static ROTA_SHA256_LEN]);
};

/* Put one record into the view, within the caller's transaction; the position moves to it. A type that is not
 * known, and a report that cannot be read (a later release wrote it), moves the position only.
 * `log` NULL: none is at hand, and checkpoints are kept as they come.
 * ROTA_ERR_STATE: the record does not follow the position. Other errors are the database's. */
ROTA_MUST_USE enum rota_err rota_registry_apply(const struct rota_db *db,
	const struct rota_registry_log *log, const struct rota_record *record,
	struct rota_registry_alarm *alarm, struct rota_fail *why);

#endif
