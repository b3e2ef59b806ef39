/* SPDX-License-Identifier: Apache-2.0 */
/* What a vault holds, from outside. Opening a log writes nothing and needs no key (SPEC 36.4), so a file is opened as the one who
 * uses it opens it, but without the lock. That one may begin or erase a sector meanwhile, which the headers show: then
 * it is looked at again. */
#include "host/base/crc.h"
#include "host/vault/sectors.h"
#include "host/vault/vault.h"
#include "ports/posix/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LEN ROTA_VAULT_FILE_SECTOR_LEN
#define TRIES 5 /* a sector is begun each few seconds; a look takes a part of one */
#define INDEX_LEAST 4096
#define HEADER_BYTES (ROTA_VAULT_HEADER_LEN - 4) /* without its CRC */
#define BUSY_MS 2000
#define LOOK_MS 10000 /* SPEC 36.7: so long, */
#define LOOK_BYTES_MS 8192 /* and a millisecond more for so many bytes that are on the disk */
#define LOOK_STEPS 100 /* of SQLite's machine, between two looks at the clock */
#define ROW_MAX 131072 /* a row with the longest record */

struct look {
	int fd;
	uint64_t until_ms;
	struct rota_flash flash;
	struct rota_vault v;
	struct rota_vault_place *index;
	struct rota_vault_turn *turns;
	uint8_t record[ROTA_VAULT_ROOM(ROTA_VAULT_SEALED_MAX - ROTA_RECORD_OVERHEAD)];
};

/* ---- the clock ---- */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The bytes are an application's: who looks has other things to do, whatever they are. */
static uint64_t deadline_ms(const struct stat *st)
{
	uint64_t size = (uint64_t)st->st_size, there = (uint64_t)st->st_blocks * 512;

	return now_ms() + LOOK_MS + (size < there ? size : there) / LOOK_BYTES_MS;
}

static int is_late(void *until_ms)
{
	return now_ms() > *(const uint64_t *)until_ms;
}

/* ---- a file that is only read, and no keys ---- */

static enum rota_err look_read(void *ctx, uint32_t off, struct rota_buf to)
{
	struct look *l = ctx;

	return is_late(&l->until_ms) ? ROTA_ERR_TIMEOUT : rota_fd_read(l->fd, off, to);
}

static enum rota_err no_write(void *ctx, uint32_t off, struct rota_span from)
{
	(void)ctx, (void)off, (void)from;
	return ROTA_ERR_DENIED;
}

static enum rota_err no_erase(void *ctx, uint32_t off)
{
	(void)ctx, (void)off;
	return ROTA_ERR_DENIED;
}

static enum rota_err no_sync(void *ctx)
{
	(void)ctx;
	return ROTA_OK;
}

static enum rota_err no_key(void *ctx, uint32_t generation,
	const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN], bool seals, struct rota_record_key *out)
{
	(void)ctx, (void)generation, (void)epoch, (void)seals, (void)out;
	return ROTA_ERR_NOT_FOUND;
}

static uint32_t none_active(void *ctx)
{
	(void)ctx;
	return 0;
}

static const struct rota_vault_keys no_keys = { NULL, no_key, none_active, NULL };

/* ---- a file ---- */

/* One number for all sectors' headers. Each ends in the CRC of what stands before it, over which this one would come to the same
 * whatever stands there: so without that. */
static enum rota_err headers(struct look *l, uint32_t *crc)
{
	uint8_t header[HEADER_BYTES];

	*crc = 0;
	for (uint32_t i = 0; i < l->flash.run[0].count; i++) {
		ROTA_TRY(look_read(l, i * LEN, ROTA_BUF(header)));
		*crc = rota_crc32_fast(*crc, ROTA_SPAN(header));
	}
	return ROTA_OK;
}

/* With as long an index as it takes. */
static enum rota_err scan(struct look *l)
{
	const struct rota_record_opening none = { { 0 }, 0, 0 };
	struct rota_vault_config c = { .flash = &l->flash,
		.keys = &no_keys,
		.crc = rota_crc32_fast,
		.turns = l->turns,
		.record = ROTA_BUF(l->record) };
	enum rota_err err = ROTA_ERR_LIMIT;

	for (c.index_len = INDEX_LEAST;
		err == ROTA_ERR_LIMIT && c.index_len <= 2 * ROTA_VAULT_RECORDS_MAX;
		c.index_len *= 2) {
		free(l->index);
		l->index = calloc(c.index_len, sizeof(*l->index));
		if (l->index == NULL)
			return ROTA_ERR_FULL;
		c.index = l->index;
		err = rota_vault_open(&l->v, &c, &none);
	}
	return err;
}

static enum rota_err look_at(struct look *l)
{
	uint32_t before, after = 0;
	enum rota_err err = ROTA_OK;

	for (int i = 0; i < TRIES; i++) {
		ROTA_TRY(headers(l, &before));
		err = scan(l);
		/* What was seen to have moved is not gone with the power. */
		if (fdatasync(l->fd) != 0)
			return ROTA_ERR_IO;
		ROTA_TRY(headers(l, &after));
		if (before == after)
			return err;
	}
	return ROTA_ERR_BUSY; /* no two looks were of one moment */
}

static void take(struct rota_vault_status *out, uint32_t generation, uint32_t records)
{
	uint8_t at = out->generations++;

	for (; at > 0 && out->count[at - 1].generation > generation; at--)
		out->count[at] = out->count[at - 1];
	out->count[at] = (struct rota_vault_count){ .generation = generation, .records = records };
	out->records += records;
}

static enum rota_err status_of_file(int fd, const struct stat *st, struct rota_vault_status *out,
	const char *path, struct rota_fail *why)
{
	off_t size = st->st_size;
	struct look *l = calloc(1, sizeof(*l));
	enum rota_err err;

	if (l == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "no memory");
	l->fd = fd;
	l->until_ms = deadline_ms(st);
	l->turns = calloc((size_t)(size / LEN), sizeof(*l->turns));
	l->flash = (struct rota_flash){ .ctx = l,
		.run = { { LEN, (uint32_t)(size / LEN) } },
		.write_len = ROTA_VAULT_FILE_UNIT,
		.erased = 0xFF,
		.read = look_read,
		.write = no_write,
		.erase = no_erase,
		.sync = no_sync };
	err = l->turns != NULL ? look_at(l) : ROTA_ERR_FULL;
	for (uint8_t i = 0; err == ROTA_OK && i < l->v.generations; i++)
		take(out, l->v.count[i].generation, l->v.count[i].records);
	free(l->index);
	free(l->turns);
	free(l);
	return err == ROTA_OK ? ROTA_OK : rota_fail(why, err, "%s: %s", path, rota_err_str(err));
}

/* ---- a database ---- */

static enum rota_err take_rows(sqlite3_stmt *q, struct rota_vault_status *out)
{
	int code;

	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		sqlite3_int64 generation = sqlite3_column_int64(q, 0);

		if (out->generations == ROTA_VAULT_GENERATIONS)
			return ROTA_ERR_LIMIT;
		if (generation < 1 || generation > UINT32_MAX)
			return ROTA_ERR_FORMAT;
		take(out, (uint32_t)generation, (uint32_t)sqlite3_column_int64(q, 1));
	}
	if (code == SQLITE_INTERRUPT)
		return ROTA_ERR_TIMEOUT;
	return code == SQLITE_DONE ? ROTA_OK : ROTA_ERR_IO;
}

/* What the file names `records` may be a view without an end. */
static bool distrust(sqlite3 *db, uint64_t *until_ms)
{
	sqlite3_progress_handler(db, LOOK_STEPS, is_late, until_ms);
	(void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, ROW_MAX);
	return sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) == SQLITE_OK &&
		sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) == SQLITE_OK &&
		sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL) == SQLITE_OK;
}

/* Whether each column is what was written into it: one that is generated may be long work in each row. */
static bool is_plain(sqlite3 *db)
{
	sqlite3_stmt *q = NULL;
	bool plain =
		sqlite3_prepare_v2(db, "PRAGMA table_xinfo(records)", -1, &q, NULL) == SQLITE_OK;
	int code = SQLITE_ERROR;

	while (plain && (code = sqlite3_step(q)) == SQLITE_ROW)
		plain = sqlite3_column_int(q, 6) == 0; /* hidden */
	(void)sqlite3_finalize(q);
	return plain && code == SQLITE_DONE;
}

/* Whoever opens and closes a database's file by itself takes its locks from all others of this process; so SQLite says whether
 * it is one. */
static enum rota_err status_of_database(const char *path, const struct stat *st,
	struct rota_vault_status *out, bool *is, struct rota_fail *why)
{
	uint64_t until_ms = deadline_ms(st);
	sqlite3 *db = NULL;
	sqlite3_stmt *q = NULL;
	enum rota_err err = ROTA_ERR_IO;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
		distrust(db, &until_ms) && sqlite3_busy_timeout(db, BUSY_MS) == SQLITE_OK &&
		sqlite3_prepare_v2(db,
			"SELECT generation, COUNT(*) FROM records GROUP BY generation", -1, &q,
			NULL) == SQLITE_OK)
		err = is_plain(db) ? take_rows(q, out) : ROTA_ERR_FORMAT;
	else if (sqlite3_errcode(db) == SQLITE_ERROR)
		err = ROTA_ERR_CORRUPT; /* no such table */
	*is = sqlite3_errcode(db) != SQLITE_NOTADB;
	if (err != ROTA_OK)
		(void)rota_fail(why, err, "%s: %s", path,
			err == ROTA_ERR_LIMIT || err == ROTA_ERR_FORMAT ? rota_err_str(err)
									: sqlite3_errmsg(db));
	(void)sqlite3_finalize(q);
	(void)sqlite3_close(db);
	return err;
}

/* ---- either ---- */

static enum rota_err status_of_other(
	const char *path, struct rota_vault_status *out, struct rota_fail *why)
{
	/* Who has swapped it for a pipe stops nobody. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum rota_err err;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		err = rota_fail_errno(why, errno, "%s", path);
	else if (!S_ISREG(st.st_mode) || st.st_size % LEN != 0 ||
		st.st_size / LEN > UINT32_MAX / LEN)
		err = rota_fail(why, ROTA_ERR_CORRUPT, "%s: its length is none of a vault", path);
	else
		err = status_of_file(fd, &st, out, path, why);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

enum rota_err rota_vault_status(
	const char *path, struct rota_vault_status *out, struct rota_fail *why)
{
	enum rota_err err;
	struct stat st;
	bool database;

	*out = (struct rota_vault_status){ 0 };
	if (stat(path, &st) != 0 || access(path, R_OK) != 0)
		return rota_fail_errno(why, errno, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return rota_fail(why, ROTA_ERR_CORRUPT, "%s: is no vault", path);
	err = status_of_database(path, &st, out, &database, why);
	return database ? err : status_of_other(path, out, why);
}

uint32_t rota_vault_status_left(const struct rota_vault_status *s, uint32_t active)
{
	uint32_t n = 0;

	for (uint8_t i = 0; i < s->generations && s->count[i].generation < active; i++)
		n += s->count[i].records;
	return n;
}
