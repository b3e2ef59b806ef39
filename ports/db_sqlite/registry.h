/* SPDX-License-Identifier: Apache-2.0 */
/* ports/db_sqlite/registry.h -- host/port/regdb.h in the same SQLite file: tables `registry`, `holdings` and `key_campaigns`.
 *
 * Of a connection that was opened for looking, what reads works: each question sees the state of one moment, rotad may write
 * meanwhile.
 */
#ifndef PORTS_DB_SQLITE_REGISTRY_H
#define PORTS_DB_SQLITE_REGISTRY_H

#include "host/port/regdb.h"
#include "ports/db_sqlite/db_sqlite.h"

/* *reg works as long as `s` is open. */
ROTA_MUST_USE enum rota_err rota_db_sqlite_registry(
	struct rota_db_sqlite *s, struct rota_regdb *reg, struct rota_fail *why);

#endif
