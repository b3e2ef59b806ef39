/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/part.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum rota_err name_of(
	const char *path, char out[static ROTA_FILE_PATH_MAX], struct rota_fail *why)
{
	int len = snprintf(out, ROTA_FILE_PATH_MAX, "%s.part", path);

	if (len < 0 || len >= ROTA_FILE_PATH_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "%s: too long a path", path);
	return ROTA_OK;
}

enum rota_err rota_part_open(
	struct rota_part *p, const char *path, bool anew, struct rota_fail *why)
{
	int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (anew ? O_TRUNC : 0);
	char name[ROTA_FILE_PATH_MAX];

	p->fd = -1;
	ROTA_TRY(name_of(path, name, why));
	if (!anew && !rota_file_exists(name) && rota_file_exists(path))
		ROTA_TRY(rota_file_rename(path, name, why));
	p->fd = open(name, flags, 0600);
	if (p->fd < 0)
		return rota_fail_errno(why, errno, "cannot make %s", name);
	snprintf(p->path, sizeof(p->path), "%s", path);
	return ROTA_OK;
}

enum rota_err rota_part_reserve(const struct rota_part *p, uint64_t len, struct rota_fail *why)
{
	int code = posix_fallocate(p->fd, 0, (off_t)len);

	if (code == 0 || code == EOPNOTSUPP || code == EINVAL)
		return ROTA_OK;
	return rota_fail_errno(
		why, code, "no room for the %llu bytes of %s", (unsigned long long)len, p->path);
}

enum rota_err rota_part_pread(
	int fd, uint64_t off, struct rota_buf to, const char *path, struct rota_fail *why)
{
	while (to.len > 0) {
		ssize_t got = pread(fd, to.p, to.len, (off_t)off);

		if (got == 0)
			return rota_fail(why, ROTA_ERR_IO, "%s ends at byte %llu", path,
				(unsigned long long)off);
		if (got < 0 && errno != EINTR)
			return rota_fail_errno(why, errno, "cannot read %s", path);
		if (got > 0) {
			to = rota_buf(to.p + got, to.len - (size_t)got);
			off += (uint64_t)got;
		}
	}
	return ROTA_OK;
}

enum rota_err rota_part_read(
	const struct rota_part *p, uint64_t off, struct rota_buf to, struct rota_fail *why)
{
	return rota_part_pread(p->fd, off, to, p->path, why);
}

enum rota_err rota_part_write(
	const struct rota_part *p, uint64_t off, struct rota_span from, struct rota_fail *why)
{
	while (from.len > 0) {
		ssize_t gone = pwrite(p->fd, from.p, from.len, (off_t)off);

		if (gone < 0 && errno != EINTR)
			return rota_fail_errno(why, errno, "cannot write %s.part", p->path);
		if (gone > 0) {
			from = rota_span_skip(from, (size_t)gone);
			off += (uint64_t)gone;
		}
	}
	return ROTA_OK;
}

void rota_part_flow(const struct rota_part *p, uint64_t off, uint64_t len)
{
	(void)sync_file_range(p->fd, (off_t)off, (off_t)len, SYNC_FILE_RANGE_WRITE);
}

enum rota_err rota_part_sync(const struct rota_part *p, struct rota_fail *why)
{
	if (fdatasync(p->fd) == 0)
		return ROTA_OK;
	return rota_fail_errno(why, errno, "cannot sync %s.part", p->path);
}

enum rota_err rota_part_place(struct rota_part *p, struct rota_fail *why)
{
	char name[ROTA_FILE_PATH_MAX];

	ROTA_TRY(name_of(p->path, name, why));
	ROTA_TRY(rota_part_sync(p, why));
	ROTA_TRY(rota_file_rename(name, p->path, why));
	rota_part_close(p);
	return ROTA_OK;
}

void rota_part_close(struct rota_part *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}
