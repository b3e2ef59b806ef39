/* SPDX-License-Identifier: Apache-2.0 */
#include "host/vault/sectors.h"
#include "host/base/file.h"
#include "ports/posix/fd.h"
#include "rota/store/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEN ROTA_VAULT_FILE_SECTOR_LEN
#define NO_SECTOR UINT32_MAX
#define ERASED 0xFF
#define LOCK_MS 2000
#define GATHER_MAX (64u * 1024) /* a batch is 64 records of some hundred bytes */

/* ---- durable ---- */

static enum rota_err settle_upto(struct rota_vault_sectors *s, uint64_t want)
{
	enum rota_err err = ROTA_OK;
	uint64_t upto;

	(void)pthread_mutex_lock(&s->syncing);
	if (atomic_load(&s->failed)) {
		err = ROTA_ERR_IO;
	} else if (atomic_load(&s->synced) < want) {
		upto = atomic_load(&s->written);
		err = s->file.port.sync(s->file.port.ctx);
		if (err == ROTA_OK)
			atomic_store(&s->synced, upto);
		else
			atomic_store(&s->failed, true);
	}
	(void)pthread_mutex_unlock(&s->syncing);
	return err;
}

enum rota_err rota_vault_sectors_settle(struct rota_vault_sectors *s)
{
	return settle_upto(s, atomic_load(&s->written));
}

/* A sector counts no more from when the log says so; that it does is in what the log asked to be durable before. */
static uint64_t freed(struct rota_vault_sectors *s)
{
	if (s->since != s->log->since)
		s->freed = s->asked;
	s->since = s->log->since;
	return s->freed;
}

bool rota_vault_sectors_would_wait(struct rota_vault_sectors *s)
{
	return freed(s) > atomic_load(&s->synced);
}

/* ---- bytes ---- */

/* All of the sector that is being cleaned; what cannot be read so is read piece by piece. */
static bool is_ahead(struct rota_vault_sectors *s, uint32_t sector)
{
	if (!s->log->cleaning || s->log->old != sector)
		return false;
	if (s->ahead_of == sector)
		return true;
	s->ahead_of = NO_SECTOR;
	if (s->file.port.read(s->file.port.ctx, sector * LEN, rota_buf(s->ahead, LEN)) != ROTA_OK)
		return false;
	s->ahead_of = sector;
	return true;
}

/* What was read of a sector before it changes. */
static void forget(struct rota_vault_sectors *s, uint32_t sector)
{
	s->header_known[sector] = false;
	if (s->ahead_of == sector)
		s->ahead_of = NO_SECTOR;
}

/* What is in the file, or is to be. */
static enum rota_err read_bytes(
	struct rota_vault_sectors *s, uint32_t sector, uint32_t off, struct rota_buf to)
{
	uint32_t at = off % LEN, gathered = off - s->gathered_at;
	bool is_header = at == 0 && to.len == ROTA_VAULT_HEADER_LEN;

	if (gathered < s->gathered_len && to.len <= s->gathered_len - gathered)
		memcpy(to.p, s->gathered + gathered, to.len);
	else if (is_header && s->header_known[sector])
		memcpy(to.p, s->header[sector], to.len);
	else if (is_ahead(s, sector))
		memcpy(to.p, s->ahead + at, to.len);
	else
		ROTA_TRY(s->file.port.read(s->file.port.ctx, off, to));
	if (is_header) {
		memcpy(s->header[sector], to.p, to.len);
		s->header_known[sector] = true;
	}
	return ROTA_OK;
}

static enum rota_err flash_read(void *ctx, uint32_t off, struct rota_buf to)
{
	struct rota_vault_sectors *s = ctx;
	uint32_t sector = off / LEN, at = off % LEN;
	size_t n;

	if (sector >= rota_flash_sectors(s->port.run) || to.len > LEN - at)
		return ROTA_ERR_ARGUMENT;
	n = at >= s->blank[sector] ? 0 : s->blank[sector] - at;
	n = n < to.len ? n : to.len;
	memset(to.p + n, ERASED, to.len - n);
	return n > 0 ? read_bytes(s, sector, off, rota_buf(to.p, n)) : ROTA_OK;
}

/* ---- writing ---- */

void rota_vault_sectors_gather(struct rota_vault_sectors *s)
{
	s->gathering = true;
}

static enum rota_err put_gathered(struct rota_vault_sectors *s)
{
	uint32_t off = s->gathered_at, len = s->gathered_len;

	ROTA_TRY(rota_fd_write(s->file.fd, off, rota_span(s->gathered, len)));
	ROTA_TRY(s->file.port.read(s->file.port.ctx, off, rota_buf(s->again, len)));
	return memcmp(s->gathered, s->again, len) == 0 ? ROTA_OK : ROTA_ERR_IO;
}

/* What cannot be put into the file stays here, to be read until the vault is closed. */
static enum rota_err flush(struct rota_vault_sectors *s)
{
	if (s->gathered_len == 0)
		return ROTA_OK;
	if (atomic_load(&s->failed) || put_gathered(s) != ROTA_OK) {
		atomic_store(&s->failed, true);
		return ROTA_ERR_IO;
	}
	s->gathered_len = 0;
	atomic_fetch_add(&s->written, 1);
	return ROTA_OK;
}

enum rota_err rota_vault_sectors_flush(struct rota_vault_sectors *s)
{
	s->gathering = false;
	return flush(s);
}

/* Whether `from` was added to what is gathered, or began it. */
static bool gather(struct rota_vault_sectors *s, uint32_t off, struct rota_span from)
{
	if (!s->gathering || off % LEN == 0 || from.len > GATHER_MAX - s->gathered_len)
		return false;
	if (s->gathered_len == 0)
		s->gathered_at = off;
	if (off != s->gathered_at + s->gathered_len)
		return false;
	memcpy(s->gathered + s->gathered_len, from.p, from.len);
	s->gathered_len += (uint32_t)from.len;
	return true;
}

/* Behind what was written there is nothing but what counts as erased, so nothing is looked at. What is gathered counts as written
 * once it is in the file: a sync beside us makes only that durable. */
static enum rota_err write_blank(
	struct rota_vault_sectors *s, uint32_t sector, uint32_t off, struct rota_span from)
{
	uint32_t at = off % LEN;

	if (from.len > LEN - at || from.len % ROTA_VAULT_FILE_UNIT != 0)
		return ROTA_ERR_ARGUMENT;
	/* What a write that fails leaves is not known. */
	s->blank[sector] = at + (uint32_t)from.len;
	if (gather(s, off, from))
		return ROTA_OK;
	ROTA_TRY(flush(s));
	if (gather(s, off, from))
		return ROTA_OK;
	ROTA_TRY(rota_fd_write(s->file.fd, off, from));
	atomic_fetch_add(&s->written, 1);
	return ROTA_OK;
}

static enum rota_err flash_write(void *ctx, uint32_t off, struct rota_span from)
{
	struct rota_vault_sectors *s = ctx;
	uint32_t sector = off / LEN;

	if (atomic_load(&s->failed))
		return ROTA_ERR_IO;
	if (sector >= rota_flash_sectors(s->port.run))
		return ROTA_ERR_ARGUMENT;
	forget(s, sector);
	if (s->blank[sector] == off % LEN)
		return write_blank(s, sector, off, from);
	ROTA_TRY(s->file.port.write(s->file.port.ctx, off, from));
	atomic_fetch_add(&s->written, 1);
	return ROTA_OK;
}

static enum rota_err flash_sync(void *ctx)
{
	struct rota_vault_sectors *s = ctx;

	ROTA_TRY(flush(s));
	s->asked = atomic_load(&s->written);
	return ROTA_OK;
}

static enum rota_err flash_erase(void *ctx, uint32_t off)
{
	uint8_t none[ROTA_VAULT_HEADER_LEN];
	struct rota_vault_sectors *s = ctx;
	uint32_t sector = off / LEN;

	if (off % LEN != 0 || sector >= rota_flash_sectors(s->port.run))
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(flush(s));
	ROTA_TRY(settle_upto(s, freed(s)));
	forget(s, sector);
	memset(none, ERASED, sizeof(none));
	ROTA_TRY(rota_fd_write(s->file.fd, off, ROTA_SPAN(none)));
	s->blank[sector] = 0;
	atomic_fetch_add(&s->written, 1);
	return ROTA_OK;
}

/* ---- opening ---- */

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
	struct rota_flash_file *file, const char *path, uint32_t sectors, struct rota_fail *why)
{
	struct rota_flash_geometry g = { .run = { { LEN, sectors } },
		.write_len = ROTA_VAULT_FILE_UNIT };
	struct stat st;
	enum rota_err err;

	if (stat(path, &st) != 0 && errno == ENOENT)
		ROTA_TRY(make_file(path, &g, why));
	else if (st.st_size > 0 && st.st_size % LEN == 0 && st.st_size / LEN <= UINT32_MAX / LEN)
		g.run[0].count = (uint32_t)(st.st_size / LEN);
	err = rota_flash_file_open(file, AT_FDCWD, path, &g);
	if (err == ROTA_ERR_CORRUPT)
		return rota_fail(why, err, "%s: its length is none of a vault", path);
	if (err != ROTA_OK)
		return rota_fail_errno(why, errno, "%s", path);
	err = rota_flash_file_lock(file, LOCK_MS);
	if (err != ROTA_OK || !is_at(file->fd, path))
		return rota_fail(why, ROTA_ERR_BUSY, "%s: another process has it open", path);
	return ROTA_OK;
}

static enum rota_err begin(struct rota_vault_sectors *s, const char *path, struct rota_fail *why)
{
	uint32_t n = rota_flash_sectors(s->file.port.run);

	s->port = s->file.port;
	s->port.ctx = s;
	s->port.read = flash_read;
	s->port.write = flash_write;
	s->port.erase = flash_erase;
	s->port.sync = flash_sync;
	s->blank = calloc(n, sizeof(*s->blank));
	s->header = calloc(n, sizeof(*s->header));
	s->header_known = calloc(n, sizeof(*s->header_known));
	s->ahead = malloc(LEN);
	s->gathered = malloc(GATHER_MAX);
	s->again = malloc(GATHER_MAX);
	if (s->blank == NULL || s->header == NULL || s->header_known == NULL || s->ahead == NULL ||
		s->gathered == NULL || s->again == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "%s: no memory", path);
	for (uint32_t i = 0; i < n; i++)
		s->blank[i] = LEN;
	s->ahead_of = NO_SECTOR;
	atomic_store(&s->written, 1); /* what another process left */
	if (rota_vault_sectors_settle(s) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_IO, "%s: cannot be synced", path);
	return ROTA_OK;
}

static void discard(struct rota_vault_sectors *s)
{
	rota_flash_file_close(&s->file);
	(void)pthread_mutex_destroy(&s->syncing);
	free(s->blank);
	free(s->header);
	free(s->header_known);
	free(s->ahead);
	free(s->gathered);
	free(s->again);
}

enum rota_err rota_vault_sectors_open(struct rota_vault_sectors *s, const char *path,
	uint32_t sectors, const struct rota_vault *log, struct rota_fail *why)
{
	enum rota_err err;

	*s = (struct rota_vault_sectors){ .file = { .fd = -1 }, .log = log };
	(void)pthread_mutex_init(&s->syncing, NULL);
	err = open_file(&s->file, path, sectors, why);
	if (err == ROTA_OK)
		err = begin(s, path, why);
	if (err != ROTA_OK)
		discard(s);
	return err;
}

/* What counts as erased behind the newest entry becomes so, for who opens the file next. If it fails, a sector's rest is lost. */
static void fill_rest(struct rota_vault_sectors *s)
{
	uint32_t sector = s->log->head, from = s->blank[sector];

	memset(s->ahead, ERASED, LEN);
	if (s->log->sequence > 0 && !atomic_load(&s->failed))
		(void)!rota_fd_write(
			s->file.fd, (uint64_t)sector * LEN + from, rota_span(s->ahead, LEN - from));
}

void rota_vault_sectors_close(struct rota_vault_sectors *s)
{
	fill_rest(s);
	discard(s);
}
