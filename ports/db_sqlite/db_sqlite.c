/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/db_sqlite/sql.h"

#include <stdlib.h>
#include <string.h>

#define SCHEMA_VERSION 6
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
	"INSERT OR IGNORE INTO meta VALUES('schema', 6), ('position', 0);";

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
/* The registry's tables are new as a whole. */
static const char from_5[] = "UPDATE meta SET value = 6 WHERE name = 'schema';";

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

_Static_assert(STATEMENTS <= ROTA_SQL_VIEW, "there is room for all of them");

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

static enum rota_err run(struct rota_db_sqlite *s, enum statement which, struct rota_fail *why)
{
	return rota_sql_run(s, s->at[which], why);
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

	rota_sql_bind_text(st, 1, name);
	if (sqlite3_step(st) == SQLITE_ROW)
		*out = rota_sql_number(st, 0);
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

	rota_sql_bind_number(s->at[SET_POSITION], 1, value);
	return run(s, SET_POSITION, why);
}

static void read_device(sqlite3_stmt *st, struct rota_db_device *out)
{
	rota_sql_text(st, 0, out->id, sizeof(out->id));
	out->last_seen_ms = rota_sql_number(st, 1);
	out->last_seq = rota_sql_number(st, 2);
	out->floor_seq = rota_sql_number(st, 3);
	out->events = rota_sql_number(st, 4);
	rota_sql_text(st, 5, out->state, sizeof(out->state));
	rota_sql_text(st, 6, out->version, sizeof(out->version));
	rota_sql_text(st, 7, out->release, sizeof(out->release));
	rota_sql_text(st, 8, out->step, sizeof(out->step));
	rota_sql_text(st, 9, out->clause, sizeof(out->clause));
	rota_sql_text(st, 10, out->reason, sizeof(out->reason));
	out->log_count = rota_sql_number(st, 11);
	out->log_forks = rota_sql_number(st, 12);
	out->log_unsigned = rota_sql_number(st, 13);
	rota_sql_text(st, 14, out->checkpoint, sizeof(out->checkpoint));
	out->checkpoints_strange = rota_sql_number(st, 15);
	out->root = rota_sql_number(st, 16);
}

static enum rota_err device(
	void *ctx, const char *id, struct rota_db_device *out, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->at[DEVICE];
	enum rota_err err;

	rota_sql_bind_text(st, 1, id);
	err = rota_sql_row(s, st, why);
	if (err == ROTA_OK)
		read_device(st, out);
	sqlite3_reset(st);
	return err;
}

static enum rota_err set_device(void *ctx, const struct rota_db_device *d, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->at[SET_DEVICE];

	rota_sql_bind_text(st, 1, d->id);
	rota_sql_bind_number(st, 2, d->last_seen_ms);
	rota_sql_bind_number(st, 3, d->last_seq);
	rota_sql_bind_number(st, 4, d->floor_seq);
	rota_sql_bind_number(st, 5, d->events);
	rota_sql_bind_text(st, 6, d->state);
	rota_sql_bind_text(st, 7, d->version);
	rota_sql_bind_text(st, 8, d->release);
	rota_sql_bind_text(st, 9, d->step);
	rota_sql_bind_text(st, 10, d->clause);
	rota_sql_bind_text(st, 11, d->reason);
	rota_sql_bind_number(st, 12, d->log_count);
	rota_sql_bind_number(st, 13, d->log_forks);
	rota_sql_bind_number(st, 14, d->log_unsigned);
	rota_sql_bind_text(st, 15, d->checkpoint);
	rota_sql_bind_number(st, 16, d->checkpoints_strange);
	rota_sql_bind_number(st, 17, d->root);
	return run(s, SET_DEVICE, why);
}

static enum rota_err add_event(
	void *ctx, const struct rota_db_event *e, bool *added, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->at[ADD_EVENT];
	const char *const text[] = { e->name, e->version, e->release, e->campaign, e->attempt,
		e->slot, e->step, e->clause, e->reason, e->detail, e->log };

	rota_sql_bind_text(st, 1, e->device);
	rota_sql_bind_number(st, 2, e->seq);
	rota_sql_bind_number(st, 3, e->received_ms);
	if (e->has_at)
		rota_sql_bind_number(st, 4, e->at_s);
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		rota_sql_bind_text(st, (int)(5 + i), text[i]);
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

	rota_sql_bind_text(st, 1, id);
	rota_sql_bind_number(st, 2, seq);
	err = rota_sql_row(s, st, why);
	if (err == ROTA_OK)
		rota_sql_text(st, 0, out, ROTA_DB_TEXT_LEN);
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
	rota_sql_bind_text(st, 1, id);
	rota_sql_bind_number(st, 2, keep);
	code = sqlite3_step(st);
	if (code == SQLITE_ROW)
		*floor = rota_sql_number(st, 0);
	sqlite3_reset(st);
	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? ROTA_OK : rota_sql_fail(s, why);
	rota_sql_bind_text(s->at[PRUNE], 1, id);
	rota_sql_bind_number(s->at[PRUNE], 2, *floor);
	return run(s, PRUNE, why);
}

static enum rota_err count_proofs(struct rota_db_sqlite *s, const char *id, uint64_t count,
	uint64_t *out, struct rota_fail *why)
{
	sqlite3_stmt *st = s->at[COUNT_PROOFS];
	enum rota_err err = ROTA_OK;

	rota_sql_bind_text(st, 1, id);
	rota_sql_bind_number(st, 2, count);
	if (sqlite3_step(st) == SQLITE_ROW)
		*out = rota_sql_number(st, 0);
	else
		err = rota_sql_fail(s, why);
	sqlite3_reset(st);
	return err;
}

static enum rota_err add_proof(void *ctx, const struct rota_db_proof *p, bool *added,
	uint64_t *heads, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->at[ADD_PROOF];

	rota_sql_bind_text(st, 1, p->device);
	rota_sql_bind_number(st, 2, p->record);
	rota_sql_bind_number(st, 3, p->received_ms);
	rota_sql_bind_number(st, 4, p->count);
	rota_sql_bind_text(st, 5, p->head);
	rota_sql_bind_bytes(st, 6, rota_span(p->sig, p->sig_len));
	rota_sql_bind_bytes(st, 7, rota_span(p->cert, p->cert_len));
	ROTA_TRY(run(s, ADD_PROOF, why));
	*added = sqlite3_changes(s->db) == 1;
	return count_proofs(s, p->device, p->count, heads, why);
}

static enum rota_err prune_proofs(
	void *ctx, const char *id, uint64_t keep, uint64_t forked, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;

	rota_sql_bind_text(s->at[PRUNE_PROOFS], 1, id);
	rota_sql_bind_number(s->at[PRUNE_PROOFS], 2, keep);
	rota_sql_bind_number(s->at[PRUNE_PROOFS], 3, forked);
	return run(s, PRUNE_PROOFS, why);
}

static void read_proof(sqlite3_stmt *st, struct rota_db_proof *out)
{
	rota_sql_text(st, 0, out->device, sizeof(out->device));
	out->record = rota_sql_number(st, 1);
	out->received_ms = rota_sql_number(st, 2);
	out->count = rota_sql_number(st, 3);
	rota_sql_text(st, 4, out->head, sizeof(out->head));
	out->sig_len = rota_sql_bytes(st, 5, out->sig, sizeof(out->sig));
	out->cert_len = rota_sql_bytes(st, 6, out->cert, sizeof(out->cert));
}

static enum rota_err proof(
	void *ctx, const char *id, uint64_t after, struct rota_db_proof *out, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->at[PROOF];
	enum rota_err err;

	rota_sql_bind_text(st, 1, id);
	rota_sql_bind_number(st, 2, after);
	err = rota_sql_row(s, st, why);
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

	while ((err = rota_sql_row(s, st, why)) == ROTA_OK) {
		h.root = rota_sql_number(st, 0);
		rota_sql_text(st, 1, h.version, sizeof(h.version));
		rota_sql_text(st, 2, h.release, sizeof(h.release));
		h.devices = rota_sql_number(st, 3);
		each(to, &h);
	}
	sqlite3_reset(st);
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
}

static enum rota_err clear(void *ctx, struct rota_fail *why)
{
	return rota_sql_execute(ctx,
		"DELETE FROM events; DELETE FROM devices; DELETE FROM proofs;"
		" DELETE FROM registry; DELETE FROM holdings; DELETE FROM key_campaigns;"
		" UPDATE meta SET value = 0 WHERE name = 'position'",
		why);
}

/* Tables as they are now, whoever made them. */
static enum rota_err bring_up(struct rota_db_sqlite *s, struct rota_fail *why)
{
	static const char *const steps[SCHEMA_VERSION] = {
		[1] = from_1, from_2, from_3, from_4, from_5
	};
	uint64_t version = 0;

	ROTA_TRY(rota_sql_execute(s, schema, why));
	ROTA_TRY(rota_sql_execute(s, rota_sql_registry, why));
	ROTA_TRY(rota_sql_prepare(s, sql[META], &s->at[META], why));
	ROTA_TRY(meta(s, "schema", &version, why));
	if (version == 0 || version > SCHEMA_VERSION)
		return rota_fail(why, ROTA_ERR_UNSUPPORTED,
			"%s: made by a later release; use that one, or move the file away and "
			"run rotad --rebuild",
			s->path);
	for (; version < SCHEMA_VERSION; version++)
		ROTA_TRY(rota_sql_execute(s, steps[version], why));
	return ROTA_OK;
}

static enum rota_err open_in(struct rota_db_sqlite *s, const char *path, struct rota_fail *why)
{

	if (sqlite3_open_v2(path, &s->db,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
		    NULL) != SQLITE_OK)
		return rota_sql_fail(s, why);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	ROTA_TRY(rota_sql_execute(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", why));
	ROTA_TRY(bring_up(s, why));
	for (int i = 0; i < STATEMENTS; i++)
		if (s->at[i] == NULL)
			ROTA_TRY(rota_sql_prepare(s, sql[i], &s->at[i], why));
	return ROTA_OK;
}

/* Nothing is made or brought up here: who only looks need not be who writes. */
static enum rota_err look_in(struct rota_db_sqlite *s, const char *path, struct rota_fail *why)
{
	uint64_t version = 0;

	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
		SQLITE_OK)
		return rota_sql_fail(s, why);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	ROTA_TRY(rota_sql_prepare(s, sql[META], &s->at[META], why));
	ROTA_TRY(meta(s, "schema", &version, why));
	if (version != SCHEMA_VERSION)
		return rota_fail(why, ROTA_ERR_UNSUPPORTED,
			"%s: made by another release; start the rotad of this one there", path);
	return rota_sql_prepare(s, sql[HOLDINGS], &s->at[HOLDINGS], why);
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

enum rota_err rota_db_sqlite_copy(const char *from, const char *to, struct rota_fail *why)
{
	struct rota_db_sqlite *s;
	sqlite3_stmt *st = NULL;
	enum rota_err err;

	ROTA_TRY(open_as(from, look_in, &s, why));
	err = rota_sql_prepare(s, "VACUUM INTO ?1", &st, why);
	if (err == ROTA_OK) {
		rota_sql_bind_text(st, 1, to);
		err = rota_sql_run(s, st, why);
	}
	sqlite3_finalize(st);
	rota_db_sqlite_close(s);
	return err;
}

enum rota_err rota_db_sqlite_position(const char *path, uint64_t *position, struct rota_fail *why)
{
	struct rota_db_sqlite *s;
	enum rota_err err;

	ROTA_TRY(open_as(path, look_in, &s, why));
	err = meta(s, "position", position, why);
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
	for (int i = 0; i < ROTA_SQL_VIEW; i++)
		sqlite3_finalize(s->at[i]);
	for (int i = 0; i < ROTA_SQL_REGISTRY; i++)
		sqlite3_finalize(s->reg[i]);
	sqlite3_close(s->db);
	free(s->path);
	free(s);
}
