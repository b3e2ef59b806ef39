/* SPDX-License-Identifier: Apache-2.0 */
/* Records as rows: the same sealed bytes as in the log, with the generation beside them for the search. What seals, opens and
 * counts is the log's (rota/store/vault_parts.h), which here has no flash below it.
 *
 * There is one connection that writes, and one transaction. The thread that rewrites leaves it open; whoever puts a record next
 * commits it with his own, and if nobody does within a second the thread does. A second connection reads what was
 * committed last, so that no reader waits for the disk. */
#include "host/base/file.h"
#include "host/vault/backend.h"
#include "rota/store/vault_parts.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MS 2000 /* another reader's checkpoint */
#define LOCK_S 2

enum statement { PUT, GET, REMOVE, NEXT, COUNTS, BEGIN, COMMIT, ROLLBACK, STATEMENTS };

static const char *const text_of[STATEMENTS] = {
	[PUT] = "INSERT OR REPLACE INTO records(id, generation, sealed) VALUES(?1, ?2, ?3)",
	[GET] = "SELECT sealed, generation FROM records WHERE id = ?1",
	[REMOVE] = "DELETE FROM records WHERE id = ?1",
	[NEXT] = ("SELECT id, sealed, generation FROM records WHERE id > ?1 AND generation < ?2 "
		  "ORDER BY id LIMIT 1"),
	[COUNTS] =
		"SELECT generation, COUNT(*), MAX(length(sealed)) FROM records GROUP BY generation",
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
};

/* Both sides ask for keys, one at a time. */
struct sql_keys {
	const struct rota_vault_keys *of;
	pthread_mutex_t use;
};

struct sql_reader {
	sqlite3 *db;
	sqlite3_stmt *get;
	pthread_mutex_t use;
	struct rota_vault v; /* what opens */
	uint8_t *record;
};

struct sql_vault {
	int lock; /* file */
	struct sql_keys keys;
	struct rota_vault_keys both; /* `keys`, for the two below */
	struct sql_reader reader;
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENTS];
	pthread_mutex_t use; /* of the connection: settle() comes without the vault's lock */
	bool open; /* a transaction is */
	int64_t cursor; /* the id that was rewritten last */
	struct rota_flash none;
	struct rota_vault v;
	uint8_t *record;
};

static enum rota_err err_of(int code)
{
	switch (code & 0xFF) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return ROTA_OK;
	case SQLITE_FULL:
		return ROTA_ERR_FULL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ROTA_ERR_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ROTA_ERR_CORRUPT;
	default:
		return ROTA_ERR_IO;
	}
}

/* ---- statements ---- */

/* Run one that gives no row. */
static enum rota_err run(struct sql_vault *s, enum statement which)
{
	int code = sqlite3_step(s->statement[which]);

	(void)sqlite3_reset(s->statement[which]);
	return err_of(code);
}

/* Counts are the database's. */
static enum rota_err recount(struct sql_vault *s)
{
	sqlite3_stmt *q = s->statement[COUNTS];
	int code;

	s->v.generations = 0;
	s->v.records = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		struct rota_vault_count *c = &s->v.count[s->v.generations];

		if (s->v.generations == ROTA_VAULT_GENERATIONS ||
			sqlite3_column_int64(q, 2) > ROTA_VAULT_SEALED_MAX)
			break;
		c->generation = (uint32_t)sqlite3_column_int64(q, 0);
		c->records = (uint32_t)sqlite3_column_int64(q, 1);
		s->v.records += c->records;
		s->v.generations++;
	}
	(void)sqlite3_reset(q);
	if (code == SQLITE_ROW)
		return ROTA_ERR_LIMIT;
	ROTA_TRY(err_of(code));
	for (uint32_t i = 0; i < s->v.generations; i++)
		ROTA_TRY(rota_vault_probe(&s->v, s->v.count[i].generation, &s->v.count[i].gone));
	return ROTA_OK;
}

static enum rota_err begin(struct sql_vault *s)
{
	if (!s->open)
		ROTA_TRY(run(s, BEGIN));
	s->open = true;
	return ROTA_OK;
}

/* End the transaction: with what was done, if `err` says so, or as if nothing had been. */
static enum rota_err finish(struct sql_vault *s, enum rota_err err)
{
	if (err == ROTA_OK)
		err = run(s, COMMIT);
	s->v.moved = false;
	s->open = false;
	if (err == ROTA_OK)
		return ROTA_OK;
	(void)!run(s, ROLLBACK);
	(void)!recount(s);
	s->cursor = -1; /* what the thread did since the last commit is to be done again */
	s->v.aim = s->v.sequence;
	return err;
}

/* The sealed bytes of a column, where a record lies. ROTA_ERR_LIMIT: longer than the room. */
static enum rota_err take_sealed(
	struct rota_vault *v, sqlite3_stmt *row, int column, struct rota_vault_entry *e)
{
	int len = sqlite3_column_bytes(row, column);

	if (len < 0 || len > ROTA_VAULT_SEALED_MAX ||
		(size_t)len + ROTA_VAULT_ENTRY_OVERHEAD > v->c.record.len)
		return ROTA_ERR_LIMIT;
	if (len > 0)
		memcpy(v->c.record.p + ROTA_VAULT_ENTRY_HEAD_LEN, sqlite3_column_blob(row, column),
			(size_t)len);
	e->len = (uint16_t)len;
	return ROTA_OK;
}

/* The record of an id into its place. */
static enum rota_err load(struct rota_vault *v, sqlite3_stmt *q, uint32_t id,
	struct rota_vault_entry *e, uint32_t *generation)
{
	enum rota_err err = ROTA_ERR_NOT_FOUND;
	int code;

	*e = (struct rota_vault_entry){ .id = id };
	*generation = 0;
	(void)sqlite3_bind_int64(q, 1, id);
	code = sqlite3_step(q);
	if (code == SQLITE_ROW) {
		*generation = (uint32_t)sqlite3_column_int64(q, 1);
		err = take_sealed(v, q, 0, e);
	} else if (code != SQLITE_DONE) {
		err = err_of(code);
	}
	(void)sqlite3_reset(q);
	return err;
}

static enum rota_err store(
	struct sql_vault *s, const struct rota_vault_entry *e, uint32_t generation)
{
	sqlite3_stmt *q = s->statement[PUT];
	enum rota_err err;

	(void)sqlite3_bind_int64(q, 1, e->id);
	(void)sqlite3_bind_int64(q, 2, generation);
	(void)sqlite3_bind_blob(q, 3, s->record + ROTA_VAULT_ENTRY_HEAD_LEN, e->len, SQLITE_STATIC);
	err = run(s, PUT);
	(void)sqlite3_clear_bindings(q);
	return err;
}

/* ---- the backend's functions ---- */

/* The generation of what is there, if anything is. */
static enum rota_err old_of(struct sql_vault *s, uint32_t id, uint32_t *generation, bool *there)
{
	struct rota_vault_entry e;
	enum rota_err err = load(&s->v, s->statement[GET], id, &e, generation);

	*there = err == ROTA_OK;
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
}

static void count(struct sql_vault *s, uint32_t generation, bool old, uint32_t old_generation)
{
	if (old)
		rota_vault_discount(&s->v, old_generation, 0);
	if (generation > 0)
		(void)!rota_vault_count(&s->v, generation, 0);
	s->v.records += generation > 0;
	s->v.records -= old;
}

static enum rota_err put_now(struct sql_vault *s, uint32_t id, struct rota_span plain)
{
	struct rota_vault_entry e = { .id = id };
	uint32_t active = s->v.c.keys->active(s->v.c.keys->ctx), generation = 0;
	struct rota_buf room = rota_vault_plain_room(&s->v);
	bool old;

	if (plain.len > room.len)
		return ROTA_ERR_LIMIT;
	if (active == 0)
		return ROTA_ERR_NOT_FOUND;
	if (rota_vault_counted(&s->v, active) == NULL && s->v.generations == ROTA_VAULT_GENERATIONS)
		return ROTA_ERR_FULL;
	ROTA_TRY(old_of(s, id, &generation, &old));
	if (plain.len > 0)
		memcpy(room.p, plain.p, plain.len);
	ROTA_TRY(rota_vault_seal(&s->v, active, plain.len, &e));
	ROTA_TRY(begin(s));
	ROTA_TRY(finish(s, store(s, &e, active)));
	count(s, active, old, generation);
	return ROTA_OK;
}

static enum rota_err put(void *ctx, uint32_t id, struct rota_span plain)
{
	struct sql_vault *s = ctx;
	enum rota_err err;

	(void)pthread_mutex_lock(&s->use);
	err = put_now(s, id, plain);
	(void)pthread_mutex_unlock(&s->use);
	return err;
}

static enum rota_err get_now(
	struct sql_reader *r, uint32_t id, struct rota_buf room, struct rota_span *plain)
{
	struct rota_vault_entry e;
	uint32_t generation;
	struct rota_span opened;

	*plain = rota_span(NULL, 0);
	ROTA_TRY(load(&r->v, r->get, id, &e, &generation));
	ROTA_TRY(rota_vault_unseal(&r->v, &e, &opened));
	if (opened.len > room.len)
		return ROTA_ERR_LIMIT;
	if (opened.len > 0) {
		memcpy(room.p, opened.p, opened.len);
		*plain = rota_span(room.p, opened.len);
	}
	return ROTA_OK;
}

static enum rota_err get(void *ctx, uint32_t id, struct rota_buf room, struct rota_span *plain)
{
	struct sql_reader *r = &((struct sql_vault *)ctx)->reader;
	enum rota_err err;

	(void)pthread_mutex_lock(&r->use);
	err = get_now(r, id, room, plain);
	explicit_bzero(r->record, r->v.c.record.len);
	(void)pthread_mutex_unlock(&r->use);
	return err;
}

static enum rota_err remove_now(struct sql_vault *s, uint32_t id)
{
	uint32_t generation;
	bool old;

	ROTA_TRY(old_of(s, id, &generation, &old));
	if (!old)
		return ROTA_ERR_NOT_FOUND;
	(void)sqlite3_bind_int64(s->statement[REMOVE], 1, id);
	ROTA_TRY(begin(s));
	ROTA_TRY(finish(s, run(s, REMOVE)));
	count(s, 0, true, generation);
	return ROTA_OK;
}

static enum rota_err take_out(void *ctx, uint32_t id)
{
	struct sql_vault *s = ctx;
	enum rota_err err;

	(void)pthread_mutex_lock(&s->use);
	err = remove_now(s, id);
	(void)pthread_mutex_unlock(&s->use);
	return err;
}

/* The next older record into its place. ROTA_ERR_NOT_FOUND: none is left in this pass. */
static enum rota_err next_older(
	struct sql_vault *s, uint32_t active, struct rota_vault_entry *e, uint32_t *generation)
{
	sqlite3_stmt *q = s->statement[NEXT];
	enum rota_err err = ROTA_ERR_NOT_FOUND;
	int code;

	*generation = 0;
	(void)sqlite3_bind_int64(q, 1, s->cursor);
	(void)sqlite3_bind_int64(q, 2, active);
	code = sqlite3_step(q);
	if (code == SQLITE_ROW) {
		s->cursor = sqlite3_column_int64(q, 0);
		*e = (struct rota_vault_entry){ .id = (uint32_t)s->cursor };
		*generation = (uint32_t)sqlite3_column_int64(q, 2);
		err = take_sealed(&s->v, q, 1, e);
	} else if (code != SQLITE_DONE) {
		err = err_of(code);
	}
	(void)sqlite3_reset(q);
	return err;
}

/* Seal one anew; what does not open stays as it is. */
static enum rota_err rewrite_one(struct sql_vault *s, uint32_t active, uint32_t *bytes)
{
	struct rota_vault_entry e;
	struct rota_span plain;
	uint32_t generation;
	enum rota_err err;

	ROTA_TRY(next_older(s, active, &e, &generation));
	err = rota_vault_unseal(&s->v, &e, &plain);
	if (err == ROTA_ERR_EXPIRED || err == ROTA_ERR_SIGNATURE || err == ROTA_ERR_CORRUPT)
		return ROTA_OK;
	ROTA_TRY(err);
	ROTA_TRY(rota_vault_seal(&s->v, active, plain.len, &e));
	ROTA_TRY(begin(s));
	ROTA_TRY(store(s, &e, active));
	count(s, active, true, generation);
	*bytes += e.len;
	return ROTA_OK;
}

static enum rota_err rewrite_now(
	struct sql_vault *s, uint32_t records, uint32_t *bytes, uint32_t *left)
{
	uint32_t active = s->v.c.keys->active(s->v.c.keys->ctx);
	enum rota_err err = ROTA_OK;

	if (active != s->v.aimed)
		s->cursor = -1;
	for (uint32_t i = 0; i < records && err == ROTA_OK && rota_vault_left(&s->v) > 0; i++)
		err = rewrite_one(s, active, bytes);
	if (err == ROTA_ERR_NOT_FOUND) {
		s->v.aim = 0; /* what is left does not open */
		err = ROTA_OK;
	}
	if (err != ROTA_OK && s->open)
		err = finish(s, err);
	*left = rota_vault_left(&s->v);
	return err;
}

static enum rota_err rewrite(
	void *ctx, uint32_t records, uint32_t *bytes, uint32_t *left, bool *erases)
{
	struct sql_vault *s = ctx;
	enum rota_err err;

	*bytes = 0;
	*erases = false;
	(void)pthread_mutex_lock(&s->use);
	err = rewrite_now(s, records, bytes, left);
	explicit_bzero(s->record, s->v.c.record.len);
	(void)pthread_mutex_unlock(&s->use);
	return err;
}

static enum rota_err settle(void *ctx)
{
	struct sql_vault *s = ctx;
	enum rota_err err = ROTA_OK;

	(void)pthread_mutex_lock(&s->use);
	if (s->open)
		err = finish(s, ROTA_OK);
	(void)pthread_mutex_unlock(&s->use);
	return err;
}

static uint32_t needs(void *ctx)
{
	struct sql_vault *s = ctx;
	uint32_t least;

	(void)pthread_mutex_lock(&s->use);
	least = rota_vault_needs(&s->v);
	(void)pthread_mutex_unlock(&s->use);
	return least;
}

static void progress(void *ctx, struct rota_vault_progress *out)
{
	struct sql_vault *s = ctx;

	(void)pthread_mutex_lock(&s->use);
	out->left = rota_vault_left(&s->v);
	out->generations = s->v.generations;
	memcpy(out->count, s->v.count, s->v.generations * sizeof(out->count[0]));
	(void)pthread_mutex_unlock(&s->use);
}

static void end(void *ctx)
{
	struct sql_vault *s = ctx;

	(void)sqlite3_finalize(s->reader.get);
	(void)sqlite3_close(s->reader.db);
	for (int i = 0; i < STATEMENTS; i++)
		(void)sqlite3_finalize(s->statement[i]);
	(void)sqlite3_close(s->db);
	if (s->reader.record != NULL)
		rota_vault_close(&s->reader.v);
	if (s->record != NULL)
		rota_vault_close(&s->v);
	if (s->lock >= 0)
		(void)close(s->lock);
	(void)pthread_mutex_destroy(&s->reader.use);
	(void)pthread_mutex_destroy(&s->keys.use);
	(void)pthread_mutex_destroy(&s->use);
	free(s->reader.record);
	free(s->record);
	free(s);
}

/* ---- opening ---- */

static enum rota_err open_db(struct sql_vault *s, const char *path, struct rota_fail *why)
{
	static const char schema[] =
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"CREATE TABLE IF NOT EXISTS records(id INTEGER PRIMARY KEY, generation INTEGER NOT "
		"NULL,"
		" sealed BLOB NOT NULL);"
		"CREATE INDEX IF NOT EXISTS records_generation ON records(generation)";

	if (sqlite3_open_v2(path, &s->db,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
		    NULL) != SQLITE_OK ||
		sqlite3_busy_timeout(s->db, BUSY_MS) != SQLITE_OK ||
		sqlite3_exec(s->db, schema, NULL, NULL, NULL) != SQLITE_OK)
		return rota_fail(
			why, err_of(sqlite3_errcode(s->db)), "%s: %s", path, sqlite3_errmsg(s->db));
	for (int i = 0; i < STATEMENTS; i++) {
		if (sqlite3_prepare_v2(s->db, text_of[i], -1, &s->statement[i], NULL) != SQLITE_OK)
			return rota_fail(
				why, ROTA_ERR_CORRUPT, "%s: %s", path, sqlite3_errmsg(s->db));
	}
	return ROTA_OK;
}

static enum rota_err key_of(void *ctx, uint32_t generation,
	const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN], bool seals, struct rota_record_key *out)
{
	struct sql_keys *k = ctx;
	enum rota_err err;

	(void)pthread_mutex_lock(&k->use);
	err = k->of->key(k->of->ctx, generation, epoch, seals, out);
	(void)pthread_mutex_unlock(&k->use);
	return err;
}

static uint32_t active_of(void *ctx)
{
	struct sql_keys *k = ctx;
	uint32_t active;

	(void)pthread_mutex_lock(&k->use);
	active = k->of->active(k->of->ctx);
	(void)pthread_mutex_unlock(&k->use);
	return active;
}

/* By who writes alone. */
static enum rota_err count_of(void *ctx, uint32_t generation)
{
	struct sql_keys *k = ctx;
	enum rota_err err;

	(void)pthread_mutex_lock(&k->use);
	err = k->of->count(k->of->ctx, generation);
	(void)pthread_mutex_unlock(&k->use);
	return err;
}

static enum rota_err take_lock(struct sql_vault *s, const char *path, struct rota_fail *why)
{
	char name[ROTA_FILE_PATH_MAX];
	enum rota_err err;

	if (snprintf(name, sizeof(name), "%s-lock", path) >= (int)sizeof(name))
		return rota_fail(why, ROTA_ERR_ARGUMENT, "%s: too long a name", path);
	err = rota_lock_take(name, LOCK_S, &s->lock, why);
	return err == ROTA_ERR_BUSY
		? rota_fail(why, err, "%s: another process has it open to write", path)
		: err;
}

static enum rota_err open_reader(struct sql_reader *r, const char *path, struct rota_fail *why)
{
	if (sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
			SQLITE_OK ||
		sqlite3_busy_timeout(r->db, BUSY_MS) != SQLITE_OK ||
		sqlite3_prepare_v2(r->db, text_of[GET], -1, &r->get, NULL) != SQLITE_OK)
		return rota_fail(
			why, err_of(sqlite3_errcode(r->db)), "%s: %s", path, sqlite3_errmsg(r->db));
	return ROTA_OK;
}

static enum rota_err open_vault(struct sql_vault *s, const char *path,
	const struct rota_vault_plan *plan, struct rota_fail *why)
{
	size_t room = ROTA_VAULT_ROOM((size_t)plan->plain_max);
	enum rota_err err;

	ROTA_TRY(take_lock(s, path, why));
	s->record = malloc(room);
	s->reader.record = malloc(room);
	if (s->record == NULL || s->reader.record == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "no memory");
	s->none = (struct rota_flash){ .write_len = 1 };
	s->v = (struct rota_vault){ .c = { .flash = &s->none,
					    .crypto = plan->crypto,
					    .aead = plan->aead,
					    .keys = &s->both,
					    .record = rota_buf(s->record, room) },
		.opening = plan->opening,
		.sequence = 1 }; /* so that there is something to aim at */
	s->reader.v = s->v;
	s->reader.v.c.record = rota_buf(s->reader.record, room);
	s->cursor = -1;
	ROTA_TRY(open_db(s, path, why));
	ROTA_TRY(open_reader(&s->reader, path, why));
	err = recount(s);
	if (err == ROTA_ERR_LIMIT)
		return rota_fail(why, err,
			"%s: holds longer records, or more generations, than there is room for",
			path);
	if (err != ROTA_OK)
		return rota_fail(why, err, "%s: %s", path, rota_err_str(err));
	return ROTA_OK;
}

enum rota_err rota_vault_sqlite_open(const char *path, const struct rota_vault_plan *plan,
	struct rota_vault_store **out, struct rota_fail *why)
{
	struct rota_vault_backend backend = { NULL, put, get, take_out, rewrite, needs, progress,
		settle, end, true };
	struct sql_vault *s;
	enum rota_err err;

	*out = NULL;
	if (plan->plain_max > ROTA_VAULT_SEALED_MAX - ROTA_RECORD_OVERHEAD)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "%s: records of %u bytes are too long",
			path, plan->plain_max);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "no memory");
	s->lock = -1;
	s->keys.of = plan->keys;
	s->both = (struct rota_vault_keys){ &s->keys, key_of, active_of,
		plan->keys->count != NULL ? count_of : NULL };
	(void)pthread_mutex_init(&s->use, NULL);
	(void)pthread_mutex_init(&s->keys.use, NULL);
	(void)pthread_mutex_init(&s->reader.use, NULL);
	err = open_vault(s, path, plan, why);
	if (err != ROTA_OK) {
		end(s);
		return err;
	}
	backend.ctx = s;
	return rota_vault_store_begin(&backend, &plan->budget, out, why);
}
