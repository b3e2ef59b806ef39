/* SPDX-License-Identifier: Apache-2.0 */
/* The log of rota/store/vault.h in a file. To the log a sync is only a note of how far it is to be made durable: what it
 * does meanwhile is done with the vault held, and a disk takes milliseconds. Whoever put a record then waits for
 * the disk without holding the vault, and one sync does for all that came before it. But before a sector is erased, what
 * was moved out of it must be durable indeed. */
#include "host/base/file.h"
#include "host/vault/backend.h"
#include "ports/flash_file/flash_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR_LEN (256u * 1024)
#define SECTORS_LEAST 4
#define LOCK_MS 2000
#define UNIT 8
#define ROOM_LEAST 4096 /* what is read at once where a sector is looked at */

struct file_vault {
	struct rota_flash_file file;
	struct rota_flash flash; /* the file's, but for sync and erase */
	struct rota_vault v;
	struct rota_vault_place *index;
	uint8_t *record;
	pthread_mutex_t syncing;
	_Atomic uint64_t written; /* counts the log's writes */
	uint64_t asked; /* under the vault's lock: as far as the log asked them to be durable */
	uint64_t synced; /* under `syncing`: as far as they are */
	_Atomic bool failed; /* a sync did: nobody knows what the disk has */
};

/* ---- durable ---- */

static enum rota_err settle_upto(struct file_vault *f, uint64_t want)
{
	enum rota_err err = ROTA_OK;
	uint64_t upto;

	(void)pthread_mutex_lock(&f->syncing);
	if (atomic_load(&f->failed)) {
		err = ROTA_ERR_IO;
	} else if (f->synced < want) {
		upto = atomic_load(&f->written);
		err = f->file.port.sync(f->file.port.ctx);
		if (err == ROTA_OK)
			f->synced = upto;
		else
			atomic_store(&f->failed, true);
	}
	(void)pthread_mutex_unlock(&f->syncing);
	return err;
}

static enum rota_err settle(void *ctx)
{
	struct file_vault *f = ctx;

	return settle_upto(f, atomic_load(&f->written));
}

static enum rota_err flash_read(void *ctx, uint32_t off, struct rota_buf to)
{
	struct file_vault *f = ctx;

	return f->file.port.read(f->file.port.ctx, off, to);
}

static enum rota_err flash_write(void *ctx, uint32_t off, struct rota_span from)
{
	struct file_vault *f = ctx;

	if (atomic_load(&f->failed))
		return ROTA_ERR_IO;
	ROTA_TRY(f->file.port.write(f->file.port.ctx, off, from));
	atomic_fetch_add(&f->written, 1);
	return ROTA_OK;
}

static enum rota_err flash_sync(void *ctx)
{
	struct file_vault *f = ctx;

	f->asked = atomic_load(&f->written);
	return ROTA_OK;
}

static enum rota_err flash_erase(void *ctx, uint32_t off)
{
	struct file_vault *f = ctx;

	ROTA_TRY(settle_upto(f, f->asked));
	ROTA_TRY(f->file.port.erase(f->file.port.ctx, off));
	atomic_fetch_add(&f->written, 1);
	return ROTA_OK;
}

/* ---- the backend's functions ---- */

static enum rota_err put(void *ctx, uint32_t id, struct rota_span plain)
{
	struct file_vault *f = ctx;

	return rota_vault_put(&f->v, id, plain);
}

static enum rota_err get(void *ctx, uint32_t id, struct rota_buf room, struct rota_span *plain)
{
	struct file_vault *f = ctx;

	return rota_vault_get(&f->v, id, room, plain);
}

static enum rota_err take_out(void *ctx, uint32_t id)
{
	struct file_vault *f = ctx;

	return rota_vault_remove(&f->v, id);
}

static enum rota_err rewrite(
	void *ctx, uint32_t records, uint32_t *bytes, uint32_t *left, bool *erases)
{
	struct file_vault *f = ctx;
	uint64_t before = atomic_load(&f->written);
	uint32_t each = f->v.records > 0 ? (uint32_t)(f->v.live / f->v.records) : 0;
	enum rota_err err = rota_vault_step(&f->v, records * each, left);

	*bytes = atomic_load(&f->written) != before ? records * each : 0;
	*erases = f->v.tail + 4 * records * each > SECTOR_LEN;
	return err;
}

static uint32_t needs(void *ctx)
{
	struct file_vault *f = ctx;

	return rota_vault_needs(&f->v);
}

static void progress(void *ctx, struct rota_vault_progress *out)
{
	struct file_vault *f = ctx;

	out->left = rota_vault_left(&f->v);
	out->lost = f->v.lost;
	out->generations = f->v.generations;
	memcpy(out->count, f->v.count, f->v.generations * sizeof(out->count[0]));
}

static void discard(struct file_vault *f)
{
	rota_flash_file_close(&f->file);
	(void)pthread_mutex_destroy(&f->syncing);
	free(f->index);
	free(f->record);
	free(f);
}

static void end(void *ctx)
{
	struct file_vault *f = ctx;

	rota_vault_close(&f->v);
	discard(f);
}

/* ---- opening ---- */

static uint32_t power_above(uint64_t n)
{
	uint32_t p = 4;

	while (p < n)
		p *= 2;
	return p;
}

/* Sectors of a new file: a fourth of what the records take is free, and what the log itself wants. */
static uint64_t sectors_for(const struct rota_vault_plan *plan, size_t room)
{
	uint64_t each =
		(plan->plain_max + ROTA_RECORD_OVERHEAD + ROTA_VAULT_ENTRY_OVERHEAD + UNIT - 1) /
		UNIT * UNIT;
	uint64_t all = each * plan->records * 4 / 3, usable = SECTOR_LEN - room - 64;

	return all / usable + 2 < SECTORS_LEAST ? SECTORS_LEAST : all / usable + 2;
}

/* A new file comes into its place whole. */
static enum rota_err make_file(
	const char *path, const struct rota_flash_geometry *g, struct rota_fail *why)
{
	char draft[PATH_MAX];

	if (snprintf(draft, sizeof(draft), "%s.new", path) >= (int)sizeof(draft))
		return rota_fail(why, ROTA_ERR_ARGUMENT, "%s: too long a name", path);
	(void)unlink(draft); /* one that was cut off */
	if (rota_flash_file_create(AT_FDCWD, draft, g) != ROTA_OK)
		return rota_fail_errno(why, errno, "%s: cannot be made", draft);
	return rota_file_rename(draft, path, why);
}

/* Whether nobody put another file there meanwhile. */
static bool is_at(int fd, const char *path)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 && stat(path, &there) == 0 && here.st_ino == there.st_ino &&
		here.st_dev == there.st_dev;
}

static enum rota_err open_file(
	struct file_vault *f, const char *path, uint64_t sectors, struct rota_fail *why)
{
	struct rota_flash_geometry g = { .run = { { SECTOR_LEN, (uint32_t)sectors } },
		.write_len = UNIT };
	struct stat st;
	enum rota_err err;

	if (stat(path, &st) != 0 && errno == ENOENT)
		ROTA_TRY(make_file(path, &g, why));
	else if (st.st_size > 0 && st.st_size % SECTOR_LEN == 0 &&
		st.st_size / SECTOR_LEN <= UINT32_MAX / SECTOR_LEN)
		g.run[0].count = (uint32_t)(st.st_size / SECTOR_LEN);
	err = rota_flash_file_open(&f->file, AT_FDCWD, path, &g);
	if (err == ROTA_ERR_CORRUPT)
		return rota_fail(why, err, "%s: its length is none of a vault", path);
	if (err != ROTA_OK)
		return rota_fail_errno(why, errno, "%s", path);
	err = rota_flash_file_lock(&f->file, LOCK_MS);
	if (err != ROTA_OK || !is_at(f->file.fd, path))
		return rota_fail(why, ROTA_ERR_BUSY, "%s: another process has it open", path);
	return ROTA_OK;
}

static enum rota_err open_log(struct file_vault *f, const char *path,
	const struct rota_vault_plan *plan, size_t room, struct rota_fail *why)
{
	uint32_t index_len = power_above((uint64_t)plan->records * 5 / 4 + 1);
	struct rota_vault_config c = { .flash = &f->flash,
		.crypto = plan->crypto,
		.aead = plan->aead,
		.keys = plan->keys,
		.index_len = index_len };
	enum rota_err err;

	f->flash = f->file.port;
	f->flash.ctx = f;
	f->flash.read = flash_read;
	f->flash.write = flash_write;
	f->flash.sync = flash_sync;
	f->flash.erase = flash_erase;
	f->index = calloc(index_len, sizeof(*f->index));
	f->record = malloc(room);
	if (f->index == NULL || f->record == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "no memory for %u records", plan->records);
	c.index = f->index;
	c.record = rota_buf(f->record, room);
	atomic_store(&f->written, 1); /* what another process left is made durable first */
	if (settle(f) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_IO, "%s: cannot be synced", path);
	err = rota_vault_open(&f->v, &c, &plan->opening);
	if (err == ROTA_ERR_LIMIT)
		return rota_fail(
			why, err, "%s: holds more or longer records than there is room for", path);
	if (err != ROTA_OK)
		return rota_fail(why, err, "%s: %s", path, rota_err_str(err));
	return ROTA_OK;
}

enum rota_err rota_vault_file_open(const char *path, const struct rota_vault_plan *plan,
	struct rota_vault_store **out, struct rota_fail *why)
{
	size_t room = ROTA_VAULT_ROOM((size_t)plan->plain_max);
	struct file_vault *f;
	struct rota_vault_backend backend = { NULL, put, get, take_out, rewrite, needs, progress,
		settle, end };
	uint64_t sectors;
	enum rota_err err;

	*out = NULL;
	if (room < ROOM_LEAST)
		room = ROOM_LEAST;
	sectors = sectors_for(plan, room);
	if (plan->records == 0 || plan->records > ROTA_VAULT_RECORDS_MAX ||
		plan->plain_max > ROTA_VAULT_SEALED_MAX - ROTA_RECORD_OVERHEAD ||
		sectors * SECTOR_LEN > UINT32_MAX)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "%s: %u records of %u bytes are no vault",
			path, plan->records, plan->plain_max);
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "no memory");
	f->file.fd = -1;
	(void)pthread_mutex_init(&f->syncing, NULL);
	err = open_file(f, path, sectors, why);
	if (err == ROTA_OK)
		err = open_log(f, path, plan, room, why);
	if (err != ROTA_OK) {
		discard(f);
		return err;
	}
	backend.ctx = f;
	return rota_vault_store_begin(&backend, &plan->budget, out, why);
}
