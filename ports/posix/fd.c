/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/posix/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define PUSH_STEP ((uint64_t)8 << 20)

enum rota_err rota_fd_errno(int number)
{
	switch (number) {
	case ENOENT:
	case ENOTDIR:
		return ROTA_ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return ROTA_ERR_DENIED;
	case EEXIST:
		return ROTA_ERR_BUSY;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ROTA_ERR_FULL;
	default:
		return ROTA_ERR_IO;
	}
}

enum rota_err rota_fd_read_some(int fd, uint64_t off, struct rota_buf to, size_t *got)
{
	size_t asked = to.len;
	ssize_t part = 1;

	while (to.len > 0 && part != 0) {
		part = pread(fd, to.p, to.len, (off_t)off);
		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return ROTA_ERR_IO;
		to = rota_buf(to.p + part, to.len - (size_t)part);
		off += (uint64_t)part;
	}
	*got = asked - to.len;
	return ROTA_OK;
}

enum rota_err rota_fd_read(int fd, uint64_t off, struct rota_buf to)
{
	size_t got;

	ROTA_TRY(rota_fd_read_some(fd, off, to, &got));
	return got == to.len ? ROTA_OK : ROTA_ERR_IO;
}

enum rota_err rota_fd_write(int fd, uint64_t off, struct rota_span from)
{
	while (from.len > 0) {
		ssize_t part = pwrite(fd, from.p, from.len, (off_t)off);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return rota_fd_errno(errno);
		from = rota_span_skip(from, (size_t)part);
		off += (uint64_t)part;
	}
	return ROTA_OK;
}

void rota_fd_push(int fd, uint64_t *pushed, uint64_t end)
{
	if (end - *pushed < PUSH_STEP)
		return;
	(void)sync_file_range(fd, (off_t)*pushed, (off_t)(end - *pushed), SYNC_FILE_RANGE_WRITE);
	*pushed = end;
}
