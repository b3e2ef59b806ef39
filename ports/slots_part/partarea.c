/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_part/partarea.h"
#include "ports/flash_file/written.h"
#include "ports/posix/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes read back at a time: enough that the disk sets the pace, and little beside the stack of a thread. */
#define PIECE ((size_t)1 << 16)

/* ---- a place ---- */

static enum rota_err open_fd(const char *path, int flags, int *fd, bool *is_file)
{
	struct stat st;

	*fd = open(path, flags | O_CLOEXEC);
	if (*fd < 0)
		return rota_fd_errno(errno);
	if (fstat(*fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))) {
		*is_file = S_ISREG(st.st_mode);
		return ROTA_OK;
	}
	(void)close(*fd);
	*fd = -1;
	return ROTA_ERR_UNSUPPORTED;
}

static enum rota_err open_place(struct rota_partarea *a, uint8_t place)
{
	bool is_file = false;

	if (a->fd >= 0 && a->place == place)
		return ROTA_OK;
	rota_partarea_close(a);
	a->place = place;
	return open_fd(a->path[place], O_RDWR, &a->fd, &is_file);
}

/* [from, end) of the medium has this digest. */
static enum rota_err read_back(const struct rota_partarea *a, int fd, uint64_t from, uint64_t end,
	const struct rota_sha256 *written)
{
	uint8_t piece[PIECE], want[ROTA_SHA256_LEN], got[ROTA_SHA256_LEN];
	struct rota_sha256 hash;

	if (fdatasync(fd) != 0)
		return rota_fd_errno(errno);
	(void)posix_fadvise(fd, (off_t)from, (off_t)(end - from), POSIX_FADV_DONTNEED);
	a->crypto->sha256_init(&hash);
	while (from < end) {
		size_t len = end - from < sizeof(piece) ? (size_t)(end - from) : sizeof(piece);

		ROTA_TRY(rota_fd_read(fd, from, rota_buf(piece, len)));
		a->crypto->sha256_update(&hash, rota_span(piece, len));
		from += len;
	}
	a->crypto->sha256_final(&hash, got);
	a->crypto->sha256_final(written, want);
	return memcmp(got, want, sizeof(got)) == 0 ? ROTA_OK : ROTA_ERR_CORRUPT;
}

static void written_from(struct rota_partarea *a, uint64_t off)
{
	a->from = off;
	a->end = off;
	a->flushed = off;
	a->crypto->sha256_init(&a->written);
}

/* ---- the port ---- */

/* A file grows as far as its file system lets it. */
static enum rota_err area_capacity(void *ctx, uint8_t place, uint64_t *out)
{
	struct rota_partarea *a = ctx;
	enum rota_err err;
	bool is_file = false;
	off_t end;
	int fd;

	ROTA_TRY(open_fd(a->path[place], O_RDONLY, &fd, &is_file));
	end = lseek(fd, 0, SEEK_END);
	err = end < 0 ? ROTA_ERR_IO : ROTA_OK;
	*out = is_file ? UINT64_MAX : (uint64_t)end;
	(void)close(fd);
	return err;
}

static enum rota_err area_discard(void *ctx, uint8_t place)
{
	struct rota_partarea *a = ctx;

	ROTA_TRY(open_place(a, place));
	ROTA_TRY(rota_written_forget(a->state_fd, a->progress));
	written_from(a, 0);
	return ROTA_OK;
}

static enum rota_err area_begin(void *ctx, uint8_t place,
	const uint8_t digest[static ROTA_SHA256_LEN], uint64_t length, uint64_t *durable)
{
	struct rota_partarea *a = ctx;
	struct rota_written progress = { .length = length, .place = place };

	ROTA_TRY(open_place(a, place));
	memcpy(a->digest, digest, ROTA_SHA256_LEN);
	memcpy(progress.digest, digest, ROTA_SHA256_LEN);
	a->length = length;
	*durable = rota_written_load(a->state_fd, a->progress, &progress);
	if (*durable == 0)
		return area_discard(a, place);
	written_from(a, *durable);
	return ROTA_OK;
}

static enum rota_err area_write(void *ctx, uint8_t place, uint64_t off, struct rota_span data)
{
	struct rota_partarea *a = ctx;

	if (a->fd < 0 || place != a->place || off != a->end)
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(rota_fd_write(a->fd, off, data));
	a->crypto->sha256_update(&a->written, data);
	a->end = off + data.len;
	rota_fd_push(a->fd, &a->flushed, a->end);
	return ROTA_OK;
}

/* Of a whole image the update cycle keeps that it is whole. */
static enum rota_err area_finish(void *ctx, uint8_t place, uint64_t len)
{
	struct rota_partarea *a = ctx;
	struct rota_written progress = { .length = a->length, .place = place, .durable = len };
	struct stat st;

	if (a->fd < 0 || place != a->place || len != a->end)
		return ROTA_ERR_ARGUMENT;
	if (fstat(a->fd, &st) != 0)
		return ROTA_ERR_IO;
	if (S_ISREG(st.st_mode) && len == a->length && ftruncate(a->fd, (off_t)len) != 0)
		return rota_fd_errno(errno);
	ROTA_TRY(read_back(a, a->fd, a->from, a->end, &a->written));
	written_from(a, len);
	if (len == a->length)
		return ROTA_OK;
	memcpy(progress.digest, a->digest, ROTA_SHA256_LEN);
	return rota_written_save(a->state_fd, a->progress, &progress);
}

static enum rota_err area_read(void *ctx, uint8_t place, uint64_t off, struct rota_buf to)
{
	struct rota_partarea *a = ctx;

	ROTA_TRY(open_place(a, place));
	return rota_fd_read(a->fd, off, to);
}

void rota_partarea_init(struct rota_partarea *a, const struct rota_crypto *crypto, int state_fd,
	const char *name, const char *place_a, const char *place_b)
{
	*a = (struct rota_partarea){
		.crypto = crypto, .path = { place_a, place_b }, .state_fd = state_fd, .fd = -1
	};
	(void)snprintf(a->progress, sizeof(a->progress), "%s.progress", name);
	a->port = (struct rota_slotarea){
		.ctx = a,
		.capacity = area_capacity,
		.begin = area_begin,
		.discard = area_discard,
		.write = area_write,
		.finish = area_finish,
		.read = area_read,
	};
}

void rota_partarea_close(struct rota_partarea *a)
{
	if (a->fd >= 0)
		(void)close(a->fd);
	a->fd = -1;
}

/* ---- copying ---- */

static enum rota_err copy_all(
	const struct rota_partarea *a, int from, int to, uint64_t len, struct rota_sha256 *hash)
{
	uint8_t piece[PIECE];

	a->crypto->sha256_init(hash);
	for (uint64_t off = 0; off < len;) {
		size_t part = len - off < sizeof(piece) ? (size_t)(len - off) : sizeof(piece);

		ROTA_TRY(rota_fd_read(from, off, rota_buf(piece, part)));
		ROTA_TRY(rota_fd_write(to, off, rota_span(piece, part)));
		a->crypto->sha256_update(hash, rota_span(piece, part));
		off += part;
	}
	return ROTA_OK;
}

static enum rota_err copy_between(
	const struct rota_partarea *a, int from, int to, bool to_file, struct rota_sha256 *hash)
{
	off_t len = lseek(from, 0, SEEK_END), room = lseek(to, 0, SEEK_END);

	if (len < 0 || room < 0)
		return ROTA_ERR_IO;
	if (!to_file && room < len)
		return ROTA_ERR_FULL;
	ROTA_TRY(copy_all(a, from, to, (uint64_t)len, hash));
	if (to_file && ftruncate(to, len) != 0)
		return rota_fd_errno(errno);
	return read_back(a, to, 0, (uint64_t)len, hash);
}

enum rota_err rota_partarea_copy(
	struct rota_partarea *a, uint8_t from, uint8_t digest[static ROTA_SHA256_LEN])
{
	struct rota_sha256 hash;
	bool from_file = false, to_file = false;
	int from_fd, to_fd;
	enum rota_err err;

	rota_partarea_close(a);
	ROTA_TRY(rota_written_forget(a->state_fd, a->progress));
	ROTA_TRY(open_fd(a->path[from], O_RDONLY, &from_fd, &from_file));
	err = open_fd(a->path[from ^ 1], O_RDWR, &to_fd, &to_file);
	if (err == ROTA_OK) {
		err = copy_between(a, from_fd, to_fd, to_file, &hash);
		if (close(to_fd) != 0 && err == ROTA_OK)
			err = ROTA_ERR_IO;
	}
	(void)close(from_fd);
	if (err == ROTA_OK)
		a->crypto->sha256_final(&hash, digest);
	return err;
}
