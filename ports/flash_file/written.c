/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/flash_file/written.h"
#include "ports/posix/fd.h"
#include "rota/base/crc32.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define PROGRESS_LEN (ROTA_SHA256_LEN + 8 + 1 + 8 + 4)

uint64_t rota_written_load(int dir_fd, const char *name, const struct rota_written *of)
{
	uint8_t bytes[PROGRESS_LEN + 1];
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, bytes, sizeof(bytes)) : -1;
	struct rota_reader r =
		rota_reader(rota_span(bytes, got == PROGRESS_LEN ? PROGRESS_LEN : 0));
	struct rota_span digest = rota_read_span(&r, ROTA_SHA256_LEN);
	uint64_t length = rota_read_le64(&r);
	uint8_t place = rota_read_u8(&r);
	uint64_t durable = rota_read_le64(&r);
	uint32_t crc = rota_read_le32(&r);

	if (fd >= 0)
		(void)close(fd);
	if (rota_reader_end(&r) != ROTA_OK ||
		crc != rota_crc32(0, rota_span(bytes, PROGRESS_LEN - 4)) ||
		!rota_span_eq(digest, ROTA_SPAN(of->digest)) || length != of->length ||
		place != of->place || durable > length)
		return 0;
	return durable;
}

enum rota_err rota_written_save(int dir_fd, const char *name, const struct rota_written *p)
{
	uint8_t bytes[PROGRESS_LEN];
	struct rota_writer w = rota_writer(ROTA_BUF(bytes));
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	enum rota_err err;

	if (fd < 0)
		return rota_fd_errno(errno);
	rota_write_span(&w, ROTA_SPAN(p->digest));
	rota_write_le64(&w, p->length);
	rota_write_u8(&w, p->place);
	rota_write_le64(&w, p->durable);
	rota_write_le32(&w, rota_crc32(0, rota_writer_span(&w)));
	err = rota_fd_write(fd, 0, ROTA_SPAN(bytes));
	if (err == ROTA_OK && fdatasync(fd) != 0)
		err = rota_fd_errno(errno);
	(void)close(fd);
	return err;
}

enum rota_err rota_written_forget(int dir_fd, const char *name)
{
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return ROTA_OK;
	return rota_fd_errno(errno);
}
