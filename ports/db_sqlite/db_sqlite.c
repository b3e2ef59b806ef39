/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/db_sqlite/db_sqlite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_VERSION 5
/* Somebody reading with the sqlite3 command may hold a lock for a moment. */
#define BUSY_MS 5000

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
	"CREATE TABLE IF NOT EXISTS devices(id TEXT PRIMARY KEY, last_seen_ms INTEGER NOT NULL,"
	" last_seq INTEGER NOT NULL, floor_seq INTEGER NOT NULL, events INTEGER NOT NULL,"
	" state TEXT NOT NULL, version TEXT NOT NULL, release TEXT NOT NULL, step TEXT NOT NULL,"
	" clause TEXT NOT NULL, reason TEXT NOT NULL, log_count INTEGER NOT NULL DEFAULT 0,"
	" log_forks INTEGER NOT NULL DEFAULT 0, log_unsigned INTEGER NOT NULL DEFAULT 0,"
	" checkpoint TEXT NOT NULL DEFAULT '', checkpoints_strange INTEGER NOT NULL DEFAULT 0,"
	" root INTEGER NOT NULL DEFAULT 0)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS events(device TEXT NOT NULL, seq INTEGER NOT NULL,"
	" received_ms INTEGER NOT NULL, at_s INTEGER, event TEXT NOT NULL, version TEXT NOT NULL,"
	" release TEXT NOT NULL, campaign TEXT NOT NULL, attempt TEXT NOT NULL, slot TEXT NOT NULL,"
	" step TEXT NOT NULL, clause TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,"
	" log TEXT NOT NULL DEFAULT '', PRIMARY KEY(device, seq)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS proofs(device TEXT NOT NULL, record INTEGER NOT NULL,"
	" received_ms INTEGER NOT NULL, count INTEGER NOT NULL, head TEXT NOT NULL,"
	" signature BLOB NOT NULL, certificate BLOB NOT NULL, PRIMARY KEY(device, record),"
	" UNIQUE(device, count, head)) STRICT, WITHOUT ROWID;"
	"INSERT OR IGNORE INTO meta VALUES('schema', 5), ('position', 0);";

/* From releases before: what is there counts as told without a device log, and without a signature. */
static const char from_1[] = "BEGIN IMMEDIATE;"
			     "ALTER TABLE devices ADD COLUMN log_count INTEGER NOT NULL DEFAULT 0;"
			     "ALTER TABLE devices ADD COLUMN log_forks INTEGER NOT NULL DEFAULT 0;"
			     "ALTER TABLE events ADD COLUMN log TEXT NOT NULL DEFAULT '';"
			     "UPDATE meta SET value = 2 WHERE name = 'schema';"
			     "COMMIT;";
static const char from_2[] =
	"BEGIN IMMEDIATE;"
	"ALTER TABLE devices ADD COLUMN log_unsigned INTEGER NOT NULL DEFAULT 0;"
	"UPDATE meta SET value = 3 WHERE name = 'schema';"
	"COMMIT;";
static const char from_3[] =
	"BEGIN IMMEDIATE;"
	"ALTER TABLE devices ADD COLUMN checkpoint TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE devices ADD COLUMN checkpoints_strange INTEGER NOT NULL DEFAULT 0;"
	"UPDATE meta SET value = 4 WHERE name = 'schema';"
	"COMMIT;";
static const char from_4[] = "BEGIN IMMEDIATE;"
			     "ALTER TABLE devices ADD COLUMN root INTEGER NOT NULL DEFAULT 0;"
			     "UPDATE meta SET value = 5 WHERE name = 'schema';"
			     "COMMIT;";

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	META,
	SET_POSITION,
	DEVICE,
	SET_DEVICE,
	ADD_EVENT,
	EVENT_LOG,
	PRUNE_FLOOR,
	PRUNE,
	ADD_PROOF,
	COUNT_PROOFS,
	PRUNE_PROOFS,
	PROOF,
	HOLDINGS,
	STATEMENTS,
};

static const char *const sql[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[META] = "SELECT value FROM meta WHERE name = ?1",
	[SET_POSITION] = "UPDATE meta SET value = ?1 WHERE name = 'position'",
	[DEVICE] = "SELECT id, last_seen_ms, last_seq, floor_seq, events, state, version, release,"
		   " step, clause, reason, log_count, log_forks, log_unsigned,"
		   " checkpoint, checkpoints_strange, root FROM devices"
		   " WHERE id = ?1",
	[SET_DEVICE] =
		"INSERT OR REPLACE INTO devices(id, last_seen_ms, last_seq, floor_seq,"
		" events, state, version, release, step, clause, reason, log_count, log_forks,"
		" log_unsigned, checkpoint, checkpoints_strange, root)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
		" ?17)",
	[ADD_EVENT] = "INSERT OR IGNORE INTO events(device, seq, received_ms, at_s, event, version,"
		      " release, campaign, attempt, slot, step, clause, reason, detail, log)"
		      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
	[EVENT_LOG] = "SELECT log FROM events WHERE device = ?1 AND seq = ?2",
	[PRUNE_FLOOR] = "SELECT seq FROM events WHERE device = ?1 ORDER BY seq DESC"
			" LIMIT 1 OFFSET ?2",
	[PRUNE] = "DELETE FROM events WHERE device = ?1 AND seq <= ?2",
	[ADD_PROOF] = "INSERT OR IGNORE INTO proofs(device, record, received_ms, count, head,"
		      " signature, certificate) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[COUNT_PROOFS] = "SELECT count(*) FROM proofs WHERE device = ?1 AND count = ?2",
	[PRUNE_PROOFS] = "DELETE FROM proofs WHERE device = ?1 AND record NOT IN"
			 " (SELECT record FROM proofs WHERE device = ?1 ORDER BY record DESC"
			 " LIMIT ?2) AND record NOT IN (SELECT record FROM proofs WHERE device = ?1"
			 " AND count IN (SELECT count FROM proofs WHERE device = ?1"
			 " GROUP BY count HAVING count(*) > 1) ORDER BY record LIMIT ?3)",
	[PROOF] = "SELECT device, record, received_ms, count, head, signature, certificate"
		  " FROM proofs WHERE device = ?1 AND record > ?2 ORDER BY record LIMIT 1",
	[HOLDINGS] = "SELECT root, version, release, count(*) FROM devices"
		     " GROUP BY root, version, release",
};

struct rota_db_sqlite {
	sqlite3 *db;
	sqlite3_stmt *at[STATEMENTS];
	char *path;
};

static enum rota_err fail(struct rota_db_sqlite *s, struct rota_fail *why)
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

/* Values go in as they stand in the row; sequences and times stay below 2^63 by SPEC 2.1 and the clock. */
static void bind_number(sqlite3_stmt *st, int at, uint64_t value)
{
	sqlite3_bind_int64(st, at, (sqlite3_int64)value);
}

static void bind_text(sqlite3_stmt *st, int at, const char *text)
{
	sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
}

/* Run to its end and make it ready for the next time. */
static enum rota_err run(struct rota_db_sqlite *s, enum statement which, struct rota_fail *why)
{
	int code = sqlite3_step(s->at[which]);
	enum rota_err err = ROTA_OK;

	if (code != SQLITE_DONE && code != SQLITE_ROW)
		err = fail(s, why);
	sqlite3_reset(s->at[which]);
	sqlite3_clear_bindings(s->at[which]);
	return err;
}

static enum rota_err begin(void *ctx, struct rota_fail *why)
{
	return run(ctx, BEGIN, why);
}

static void rollback(void *ctx)
{
	struct rota_db_sqlite *s = ctx;
	struct rota_fail ignored;

	if (!sqlite3_get_autocommit(s->db))
		(void)!run(s, ROLLBACK, &ignored);
}

static enum rota_err commit(void *ctx, struct rota_fail *why)
{
	enum rota_err err = run(ctx, COMMIT, why);

	if (err != ROTA_OK)
		rollback(ctx);
	return err;
}

static enum rota_err meta(
	struct rota_db_sqlite *s, const char *name, uint64_t *out, struct rota_fail *why)
{
	sqlite3_stmt *st = s->at[META];
	enum rota_err err = ROTA_OK;

	bind_text(st, 1, name);
	if (sqlite3_step(st) == SQLITE_ROW)
		*out = (uint64_t)sqlite3_column_int64(st, 0);
	else
		err = rota_fail(why, ROTA_ERR_CORRUPT, "%s: no '%s' in table meta", s->path, name);
	sqlite3_reset(st);
	return err;
}

static enum rota_err position(void *ctx, uint64_t *out, struct rota_fail *why)
{
	return meta(ctx, "position", out, why);
}

static enum rota_err set_position(void *ctx, uint64_t value, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;

	bind_number(s->at[SET_POSITION], 1, value);
	return run(s, SET_POSITION, why);
}

static void column_text(sqlite3_stmt *st, int at, char *to, size_t room)
{
	snprintf(to, room, "%s", (const char *)sqlite3_column_text(st, at));
}

static void read_device(sqlite3_stmt *st, struct rota_db_device *out)
{
	column_text(st, 0, out->id, sizeof(out->id));
	out->last_seen_ms = (uint64_t)sqlite3_column_int64(st, 1);
	out->last_seq = (uint64_t)sqlite3_column_int64(st, 2);
	out->floor_seq = (uint64_t)sqlite3_column_int64(st, 3);
	out->events = (uint64_t)sqlite3_column_int64(st, 4);
	column_text(st, 5, out->state, sizeof(out->state));
	column_text(st, 6, out->version, sizeof(out->version));
	column_text(st, 7, out->release, sizeof(out->release));
	column_text(st, 8, out->step, sizeof(out->step));
	column_text(st, 9, out->clause, sizeof(out->clause));
	column_text(st, 10, out->reason, sizeof(out->reason));
	out->log_count = (uint64_t)sqlite3_column_int64(st, 11);
	out->log_forks = (uint64_t)sqlite3_column_int64(st, 12);
	out->log_unsigned = (uint64_t)sqlite3_column_int64(st, 13);
	column_text(st, 14, out->checkpoint, sizeof(out->checkpoint));
	out->checkpoints_strange = (uint64_t)sqlite3_column_int64(st, 15);
	out->root = (uint64_t)sqlite3_column_int64(st, 16);
}

/* The one row asked for stands ready, until sqlite3_reset(); ROTA_ERR_NOT_FOUND. */
static enum rota_err one_row(struct rota_db_sqlite *s, sqlite3_stmt *st, struct rota_fail *why)
{
	int code = sqlite3_step(st);

	if (code == SQLITE_ROW)
		return ROTA_OK;
	return code == SQLITE_DONE ? ROTA_ERR_NOT_FOUND : fail(s, why);
}

static enum rota_err device(
	void *ctx, const char *id, struct rota_db_device *out, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->at[DEVICE];
	enum rota_err err;

	bind_text(st, 1, id);
	err = one_row(s, st, why);
	if (err == ROTA_OK)
		read_device(st, out);
	sqlite3_reset(st);
	return err;
}

static enum rota_err set_device(void *ctx, const struct rota_db_device *d, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->at[SET_DEVICE];

	bind_text(st, 1, d->id);
	bind_number(st, 2, d->last_seen_ms);
	bind_number(st, 3, d->last_seq);
	bind_number(st, 4, d->floor_seq);
	bind_number(st, 5, d->events);
	bind_text(st, 6, d->state);
	bind_text(st, 7, d->version);
	bind_text(st, 8, d->release);
	bind_text(st, 9, d->step);
	bind_text(st, 10, d->clause);
	bind_text(st, 11, d->reason);
	bind_number(st, 12, d->log_count);
	bind_number(st, 13, d->log_forks);
	bind_number(st, 14, d->log_unsigned);
	bind_text(st, 15, d->checkpoint);
	bind_number(st, 16, d->checkpoints_strange);
	bind_number(st, 17, d->root);
	return run(s, SET_DEVICE, why);
}

static enum rota_err add_event(
	void *ctx, const struct rota_db_event *e, bool *added, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->at[ADD_EVENT];
	const char *const text[] = { e->name, e->version, e->release, e->campaign, e->attempt,
		e->slot, e->step, e->clause, e->reason, e->detail, e->log };

	bind_text(st, 1, e->device);
	bind_number(st, 2, e->seq);
	bind_number(st, 3, e->received_ms);
	if (e->has_at)
		bind_number(st, 4, e->at_s);
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		bind_text(st, (int)(5 + i), text[i]);
	ROTA_TRY(run(s, ADD_EVENT, why));
	*added = sqlite3_changes(s->db) == 1;
	return ROTA_OK;
}

static enum rota_err event_log(void *ctx, const char *id, uint64_t seq,
	char out[static ROTA_DB_TEXT_LEN], struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->at[EVENT_LOG];
	enum rota_err err;

	bind_text(st, 1, id);
	bind_number(st, 2, seq);
	err = one_row(s, st, why);
	if (err == ROTA_OK)
		column_text(st, 0, out, ROTA_DB_TEXT_LEN);
	sqlite3_reset(st);
	return err;
}

static enum rota_err prune_events(
	void *ctx, const char *id, uint64_t keep, uint64_t *floor, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->at[PRUNE_FLOOR];
	int code;

	*floor = 0;
	bind_text(st, 1, id);
	bind_number(st, 2, keep);
	code = sqlite3_step(st);
	if (code == SQLITE_ROW)
		*floor = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? ROTA_OK : fail(s, why);
	bind_text(s->at[PRUNE], 1, id);
	bind_number(s->at[PRUNE], 2, *floor);
	return run(s, PRUNE, why);
}

static enum rota_err count_proofs(struct rota_db_sqlite *s, const char *id, uint64_t count,
	uint64_t *out, struct rota_fail *why)
{
	sqlite3_stmt *st = s->at[COUNT_PROOFS];
	enum rota_err err = ROTA_OK;

	bind_text(st, 1, id);
	bind_number(st, 2, count);
	if (sqlite3_step(st) == SQLITE_ROW)
		*out = (uint64_t)sqlite3_column_int64(st, 0);
	else
		err = fail(s, why);
	sqlite3_reset(st);
	return err;
}

static enum rota_err add_proof(void *ctx, const struct rota_db_proof *p, bool *added,
	uint64_t *heads, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->at[ADD_PROOF];

	bind_text(st, 1, p->device);
	bind_number(st, 2, p->record);
	bind_number(st, 3, p->received_ms);
	bind_number(st, 4, p->count);
	bind_text(st, 5, p->head);
	sqlite3_bind_blob(st, 6, p->sig, (int)p->sig_len, SQLITE_STATIC);
	sqlite3_bind_blob(st, 7, p->cert, (int)p->cert_len, SQLITE_STATIC);
	ROTA_TRY(run(s, ADD_PROOF, why));
	*added = sqlite3_changes(s->db) == 1;
	return count_proofs(s, p->device, p->count, heads, why);
}

static enum rota_err prune_proofs(
	void *ctx, const char *id, uint64_t keep, uint64_t forked, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;

	bind_text(s->at[PRUNE_PROOFS], 1, id);
	bind_number(s->at[PRUNE_PROOFS], 2, keep);
	bind_number(s->at[PRUNE_PROOFS], 3, forked);
	return run(s, PRUNE_PROOFS, why);
}

/* What is longer than the room was not put in by us. */
static size_t column_bytes(sqlite3_stmt *st, int at, uint8_t *to, size_t room)
{
	const void *from = sqlite3_column_blob(st, at);
	size_t len = (size_t)sqlite3_column_bytes(st, at);

	if (from == NULL || len > room)
		return 0;
	memcpy(to, from, len);
	return len;
}

static void read_proof(sqlite3_stmt *st, struct rota_db_proof *out)
{
	column_text(st, 0, out->device, sizeof(out->device));
	out->record = (uint64_t)sqlite3_column_int64(st, 1);
	out->received_ms = (uint64_t)sqlite3_column_int64(st, 2);
	out->count = (uint64_t)sqlite3_column_int64(st, 3);
	column_text(st, 4, out->head, sizeof(out->head));
	out->sig_len = column_bytes(st, 5, out->sig, sizeof(out->sig));
	out->cert_len = column_bytes(st, 6, out->cert, sizeof(out->cert));
}

static enum rota_err proof(
	void *ctx, const char *id, uint64_t after, struct rota_db_proof *out, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->at[PROOF];
	enum rota_err err;

	bind_text(st, 1, id);
	bind_number(st, 2, after);
	err = one_row(s, st, why);
	if (err == ROTA_OK)
		read_proof(st, out);
	sqlite3_reset(st);
	return err;
}

static enum rota_err holdings(void *ctx,
	void (*each)(void *to, const struct rota_db_holding *holding), void *to,
	struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->at[HOLDINGS];
	struct rota_db_holding h;
	enum rota_err err;

	while ((err = one_row(s, st, why)) == ROTA_OK) {
		h.root = (uint64_t)sqlite3_column_int64(st, 0);
		column_text(st, 1, h.version, sizeof(h.version));
		column_text(st, 2, h.release, sizeof(h.release));
		h.devices = (uint64_t)sqlite3_column_int64(st, 3);
		each(to, &h);
	}
	sqlite3_reset(st);
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
}

static enum rota_err execute(struct rota_db_sqlite *s, const char *text, struct rota_fail *why)
{
	return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK ? ROTA_OK : fail(s, why);
}

static enum rota_err clear(void *ctx, struct rota_fail *why)
{
	return execute(ctx,
		"DELETE FROM events; DELETE FROM devices; DELETE FROM proofs;"
		" UPDATE meta SET value = 0 WHERE name = 'position'",
		why);
}

static enum rota_err prepare(struct rota_db_sqlite *s, int which, struct rota_fail *why)
{
	return sqlite3_prepare_v3(s->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, &s->at[which],
		       NULL) == SQLITE_OK
		? ROTA_OK
		: fail(s, why);
}

/* Tables as they are now, whoever made them. */
static enum rota_err bring_up(struct rota_db_sqlite *s, struct rota_fail *why)
{
	static const char *const steps[SCHEMA_VERSION] = { [1] = from_1, from_2, from_3, from_4 };
	uint64_t version = 0;

	ROTA_TRY(execute(s, schema, why));
	ROTA_TRY(prepare(s, META, why));
	ROTA_TRY(meta(s, "schema", &version, why));
	if (version == 0 || version > SCHEMA_VERSION)
		return rota_fail(why, ROTA_ERR_UNSUPPORTED,
			"%s: made by a later release; use that one, or move the file away and "
			"run rotad --rebuild",
			s->path);
	for (; version < SCHEMA_VERSION; version++)
		ROTA_TRY(execute(s, steps[version], why));
	return ROTA_OK;
}

static enum rota_err open_in(struct rota_db_sqlite *s, const char *path, struct rota_fail *why)
{

	if (sqlite3_open_v2(path, &s->db,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
		    NULL) != SQLITE_OK)
		return fail(s, why);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	ROTA_TRY(execute(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", why));
	ROTA_TRY(bring_up(s, why));
	for (int i = 0; i < STATEMENTS; i++)
		if (s->at[i] == NULL)
			ROTA_TRY(prepare(s, i, why));
	return ROTA_OK;
}

/* Nothing is made or brought up here: who only looks need not be who writes. */
static enum rota_err look_in(struct rota_db_sqlite *s, const char *path, struct rota_fail *why)
{
	uint64_t version = 0;

	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
		SQLITE_OK)
		return fail(s, why);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	ROTA_TRY(prepare(s, META, why));
	ROTA_TRY(meta(s, "schema", &version, why));
	if (version != SCHEMA_VERSION)
		return rota_fail(why, ROTA_ERR_UNSUPPORTED,
			"%s: made by another release; start the rotad of this one there", path);
	return prepare(s, HOLDINGS, why);
}

static enum rota_err open_as(const char *path,
	enum rota_err (*in)(struct rota_db_sqlite *s, const char *path, struct rota_fail *why),
	struct rota_db_sqlite **out, struct rota_fail *why)
{
	struct rota_db_sqlite *s = calloc(1, sizeof(*s));
	enum rota_err err;

	*out = NULL;
	if (s == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "%s: out of memory", path);
	s->path = strdup(path);
	err = s->path == NULL ? rota_fail(why, ROTA_ERR_FULL, "%s: out of memory", path)
			      : in(s, path, why);
	if (err == ROTA_OK)
		*out = s;
	else
		rota_db_sqlite_close(s);
	return err;
}

enum rota_err rota_db_sqlite_look(
	const char *path, struct rota_db_sqlite **out, struct rota_db *db, struct rota_fail *why)
{
	ROTA_TRY(open_as(path, look_in, out, why));
	*db = (struct rota_db){ .ctx = *out, .holdings = holdings };
	return ROTA_OK;
}

enum rota_err rota_db_sqlite_open(
	const char *path, struct rota_db_sqlite **out, struct rota_db *db, struct rota_fail *why)
{
	ROTA_TRY(open_as(path, open_in, out, why));
	*db = (struct rota_db){
		.ctx = *out,
		.begin = begin,
		.commit = commit,
		.rollback = rollback,
		.position = position,
		.set_position = set_position,
		.device = device,
		.set_device = set_device,
		.add_event = add_event,
		.event_log = event_log,
		.prune_events = prune_events,
		.add_proof = add_proof,
		.prune_proofs = prune_proofs,
		.proof = proof,
		.holdings = holdings,
		.clear = clear,
	};
	return ROTA_OK;
}

void rota_db_sqlite_close(struct rota_db_sqlite *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(s->at[i]);
	sqlite3_close(s->db);
	free(s->path);
	free(s);
}
