/* SPDX-License-Identifier: Apache-2.0 */
/* ports/db_sqlite/sql.h -- one connection, and what is done with a prepared statement. For the files of this folder.
 *
 * Numbers go in as they stand in the row; they stay below 2^63 by SPEC 2.1 and the clock. Texts and bytes that are bound stay
 * the caller's, and stand until the statement was run.
 */
#ifndef PORTS_DB_SQLITE_SQL_H
#define PORTS_DB_SQLITE_SQL_H

#include "ports/db_sqlite/db_sqlite.h"
#include "rota/base/span.h"

#include <sqlite3.h>

#define ROTA_SQL_VIEW 16 /* statements of db_sqlite.c */
#define ROTA_SQL_REGISTRY 16 /* of registry.c */

struct rota_db_sqlite {
	sqlite3 *db;
	sqlite3_stmt *at[ROTA_SQL_VIEW], *reg[ROTA_SQL_REGISTRY];
	char *path;
};

/* The registry's tables, made where they are not. */
extern const char rota_sql_registry[];

/* What SQLite says of the last call. */
enum rota_err rota_sql_fail(struct rota_db_sqlite *s, struct rota_fail *why);

ROTA_MUST_USE enum rota_err rota_sql_execute(
	struct rota_db_sqlite *s, const char *text, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_sql_prepare(
	struct rota_db_sqlite *s, const char *text, sqlite3_stmt **out, struct rota_fail *why);

/* Run to its end and make it ready for the next time. */
ROTA_MUST_USE enum rota_err rota_sql_run(
	struct rota_db_sqlite *s, sqlite3_stmt *st, struct rota_fail *why);
/* The next row stands ready, until sqlite3_reset(). ROTA_ERR_NOT_FOUND (why untouched): there is none. */
ROTA_MUST_USE enum rota_err rota_sql_row(
	struct rota_db_sqlite *s, sqlite3_stmt *st, struct rota_fail *why);

void rota_sql_bind_number(sqlite3_stmt *st, int at, uint64_t value);
void rota_sql_bind_text(sqlite3_stmt *st, int at, const char *text);
void rota_sql_bind_bytes(sqlite3_stmt *st, int at, struct rota_span bytes);

uint64_t rota_sql_number(sqlite3_stmt *st, int at);
/* Cut to the room. */
void rota_sql_text(sqlite3_stmt *st, int at, char *to, size_t room);
/* How many; 0 for what is longer than the room: it was not put in by us. */
size_t rota_sql_bytes(sqlite3_stmt *st, int at, uint8_t *to, size_t room);

#endif
