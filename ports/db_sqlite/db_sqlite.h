/* SPDX-License-Identifier: Apache-2.0 */
/* ports/db_sqlite/db_sqlite.h -- host/port/db.h in one SQLite file.
 *
 * Write-ahead logging, so that `sqlite3 FILE` can read while rotad writes; synchronous FULL, since the journal
 * drops segments that the projection reports as durable. Tables `devices`, `events`, `proofs` and `meta` are meant for
 * reading by people; ids are hex text for that reason. Those of the registry are registry.h's.
 */
#ifndef PORTS_DB_SQLITE_DB_SQLITE_H
#define PORTS_DB_SQLITE_DB_SQLITE_H

#include "host/port/db.h"

struct rota_db_sqlite; /* owns the connection */

/* Open or make the file; *db works until close. ROTA_ERR_UNSUPPORTED: made by a later release. */
ROTA_MUST_USE enum rota_err rota_db_sqlite_open(
	const char *path, struct rota_db_sqlite **out, struct rota_db *db, struct rota_fail *why);

/* Open for looking only, beside a rotad or without one: of *db there are just `ctx` and `holdings`. ROTA_ERR_UNSUPPORTED: it is of
 * another release. */
ROTA_MUST_USE enum rota_err rota_db_sqlite_look(
	const char *path, struct rota_db_sqlite **out, struct rota_db *db, struct rota_fail *why);

/* A copy of all that a database has at one moment, also while rotad writes it; `to` is not there yet. It is not synced. */
ROTA_MUST_USE enum rota_err rota_db_sqlite_copy(
	const char *from, const char *to, struct rota_fail *why);

/* The record up to which a database that nobody has open stands. */
ROTA_MUST_USE enum rota_err rota_db_sqlite_position(
	const char *path, uint64_t *position, struct rota_fail *why);

/* NULL is allowed. */
void rota_db_sqlite_close(struct rota_db_sqlite *s);

#endif
