/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/db_sqlite/sql.h"

#include <stdio.h>
#include <string.h>

enum rota_err rota_sql_fail(struct rota_db_sqlite *s, struct rota_fail *why)
{
	int code = sqlite3_errcode(s->db) & 0xff;
	enum rota_err err = ROTA_ERR_IO;

	if (code == SQLITE_FULL)
		err = ROTA_ERR_FULL;
	else if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		err = ROTA_ERR_CORRUPT;
	else if (code == SQLITE_BUSY)
		err = ROTA_ERR_BUSY;
	return rota_fail(why, err, "%s: %s", s->path, sqlite3_errmsg(s->db));
}

enum rota_err rota_sql_execute(struct rota_db_sqlite *s, const char *text, struct rota_fail *why)
{
	return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK ? ROTA_OK
									: rota_sql_fail(s, why);
}

enum rota_err rota_sql_prepare(
	struct rota_db_sqlite *s, const char *text, sqlite3_stmt **out, struct rota_fail *why)
{
	return sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) ==
			SQLITE_OK
		? ROTA_OK
		: rota_sql_fail(s, why);
}

enum rota_err rota_sql_run(struct rota_db_sqlite *s, sqlite3_stmt *st, struct rota_fail *why)
{
	int code = sqlite3_step(st);
	enum rota_err err = ROTA_OK;

	if (code != SQLITE_DONE && code != SQLITE_ROW)
		err = rota_sql_fail(s, why);
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return err;
}

enum rota_err rota_sql_row(struct rota_db_sqlite *s, sqlite3_stmt *st, struct rota_fail *why)
{
	int code = sqlite3_step(st);

	if (code == SQLITE_ROW)
		return ROTA_OK;
	return code == SQLITE_DONE ? ROTA_ERR_NOT_FOUND : rota_sql_fail(s, why);
}

void rota_sql_bind_number(sqlite3_stmt *st, int at, uint64_t value)
{
	sqlite3_bind_int64(st, at, (sqlite3_int64)value);
}

void rota_sql_bind_text(sqlite3_stmt *st, int at, const char *text)
{
	sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
}

void rota_sql_bind_bytes(sqlite3_stmt *st, int at, struct rota_span bytes)
{
	sqlite3_bind_blob(st, at, bytes.p, (int)bytes.len, SQLITE_STATIC);
}

uint64_t rota_sql_number(sqlite3_stmt *st, int at)
{
	return (uint64_t)sqlite3_column_int64(st, at);
}

void rota_sql_text(sqlite3_stmt *st, int at, char *to, size_t room)
{
	snprintf(to, room, "%s", (const char *)sqlite3_column_text(st, at));
}

size_t rota_sql_bytes(sqlite3_stmt *st, int at, uint8_t *to, size_t room)
{
	const void *from = sqlite3_column_blob(st, at);
	size_t len = (size_t)sqlite3_column_bytes(st, at);

	if (from == NULL || len > room)
		return 0;
	memcpy(to, from, len);
	return len;
}
