/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/flash_file/flash_file.h"
#include "ports/posix/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ERASED 0xFF
#define PIECE_LEN 4096 /* moved at a time */
#define POLL_MS 10 /* between two tries for the lock */
#define NAME_LEN_MAX 1024 /* host/vault names its region by a path */

static enum rota_err fill_erased(int fd, uint64_t off, uint64_t len)
{
	uint8_t blank[PIECE_LEN];

	memset(blank, ERASED, sizeof(blank));
	while (len > 0) {
		size_t n = len < sizeof(blank) ? (size_t)len : sizeof(blank);

		ROTA_TRY(rota_fd_write(fd, off, rota_span(blank, n)));
		off += n;
		len -= n;
	}
	return ROTA_OK;
}

static bool inside(const struct rota_flash *port, uint32_t off, size_t len)
{
	uint64_t size = rota_flash_size(port->run);

	return off <= size && len <= size - off;
}

static enum rota_err file_read(void *ctx, uint32_t off, struct rota_buf to)
{
	struct rota_flash_file *f = ctx;

	if (!inside(&f->port, off, to.len))
		return ROTA_ERR_ARGUMENT;
	return rota_fd_read(f->fd, off, to);
}

/* ROTA_ERR_ARGUMENT when a byte of the range is programmed. */
static enum rota_err check_erased(struct rota_flash_file *f, uint32_t off, size_t len)
{
	uint8_t piece[PIECE_LEN];

	while (len > 0) {
		size_t n = len < sizeof(piece) ? len : sizeof(piece);

		ROTA_TRY(rota_fd_read(f->fd, off, rota_buf(piece, n)));
		for (size_t i = 0; i < n; i++) {
			if (piece[i] != ERASED)
				return ROTA_ERR_ARGUMENT;
		}
		off += (uint32_t)n;
		len -= n;
	}
	return ROTA_OK;
}

static enum rota_err file_write(void *ctx, uint32_t off, struct rota_span from)
{
	struct rota_flash_file *f = ctx;
	uint32_t unit = f->port.write_len;

	if (!inside(&f->port, off, from.len) || off % unit != 0 || from.len % unit != 0)
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(check_erased(f, off, from.len));
	return rota_fd_write(f->fd, off, from);
}

static enum rota_err file_erase(void *ctx, uint32_t off)
{
	struct rota_flash_file *f = ctx;
	struct rota_flash_sector s = rota_flash_sector_at(f->port.run, off);

	if (s.len == 0)
		return ROTA_ERR_ARGUMENT;
	return fill_erased(f->fd, off, s.len);
}

static enum rota_err file_sync(void *ctx)
{
	struct rota_flash_file *f = ctx;

	return fdatasync(f->fd) == 0 ? ROTA_OK : ROTA_ERR_IO;
}

/* Never in the place of a file that is there; where the file system cannot promise that, who calls is alone (header). */
static enum rota_err place(int dir_fd, const char *draft, const char *name)
{
	if (renameat2(dir_fd, draft, dir_fd, name, RENAME_NOREPLACE) == 0)
		return ROTA_OK;
	if (errno != EINVAL && errno != ENOSYS)
		return rota_fd_errno(errno);
	return renameat(dir_fd, draft, dir_fd, name) == 0 ? ROTA_OK : rota_fd_errno(errno);
}

static enum rota_err make_draft(
	int dir_fd, const char *draft, const struct rota_flash_geometry *geometry)
{
	enum rota_err err;
	int fd, saved;

	(void)unlinkat(dir_fd, draft, 0); /* of a run that was cut off */
	fd = openat(dir_fd, draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return rota_fd_errno(errno);
	err = fill_erased(fd, 0, rota_flash_size(geometry->run));
	if (err == ROTA_OK && fsync(fd) != 0)
		err = rota_fd_errno(errno);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return err;
}

enum rota_err rota_flash_file_create(
	int dir_fd, const char *name, const struct rota_flash_geometry *geometry)
{
	char draft[NAME_LEN_MAX];
	enum rota_err err;
	int saved;

	if (snprintf(draft, sizeof(draft), "%s.making", name) >= (int)sizeof(draft))
		return ROTA_ERR_LIMIT;
	if (faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return ROTA_ERR_BUSY;
	err = make_draft(dir_fd, draft, geometry);
	if (err == ROTA_OK)
		err = place(dir_fd, draft, name);
	saved = errno;
	if (err != ROTA_OK)
		(void)unlinkat(dir_fd, draft, 0);
	errno = saved;
	return err;
}

enum rota_err rota_flash_file_open(struct rota_flash_file *f, int dir_fd, const char *name,
	const struct rota_flash_geometry *geometry)
{
	struct stat st;

	f->fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC);
	if (f->fd < 0)
		return rota_fd_errno(errno);
	f->port = (struct rota_flash){
		.ctx = f,
		.write_len = geometry->write_len,
		.erased = ERASED,
		.read = file_read,
		.write = file_write,
		.erase = file_erase,
		.sync = file_sync,
	};
	memcpy(f->port.run, geometry->run, sizeof(f->port.run));
	if (fstat(f->fd, &st) == 0 && (uint64_t)st.st_size == rota_flash_size(geometry->run))
		return ROTA_OK;
	rota_flash_file_close(f);
	return ROTA_ERR_CORRUPT;
}

void rota_flash_file_close(struct rota_flash_file *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

enum rota_err rota_flash_file_lock(struct rota_flash_file *f, uint32_t deadline_ms)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	uint64_t end = now_ms() + deadline_ms;

	while (flock(f->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return ROTA_ERR_IO;
		if (now_ms() >= end)
			return ROTA_ERR_TIMEOUT;
		(void)nanosleep(&pause, NULL);
	}
	return ROTA_OK;
}

void rota_flash_file_unlock(struct rota_flash_file *f)
{
	(void)flock(f->fd, LOCK_UN);
}
