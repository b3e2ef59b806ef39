/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/tpm2/authfile.h"
#include "ports/posix/fd.h"
#include "rota/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define DRAFT ROTA_TPM2_AUTH_FILE ".new"

static enum rota_err read_at(int dir, uint8_t auth[static ROTA_TPM2_AUTH_LEN])
{
	uint8_t bytes[ROTA_TPM2_AUTH_LEN + 1];
	enum rota_err err;
	size_t got = 0;
	int fd = openat(dir, ROTA_TPM2_AUTH_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return rota_fd_errno(errno);
	err = rota_fd_read_some(fd, 0, ROTA_BUF(bytes), &got);
	close(fd);
	if (err == ROTA_OK && got != ROTA_TPM2_AUTH_LEN)
		err = ROTA_ERR_CORRUPT;
	if (err == ROTA_OK)
		memcpy(auth, bytes, ROTA_TPM2_AUTH_LEN);
	rota_wipe(bytes, sizeof(bytes));
	return err;
}

/* A whole draft under its own name. */
static enum rota_err write_draft(int dir, const uint8_t auth[static ROTA_TPM2_AUTH_LEN])
{
	enum rota_err err;
	int fd;

	(void)unlinkat(dir, DRAFT, 0); /* of one that was cut off */
	fd = openat(dir, DRAFT, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return rota_fd_errno(errno);
	err = rota_fd_write(fd, 0, rota_span(auth, ROTA_TPM2_AUTH_LEN));
	if (err == ROTA_OK && fsync(fd) != 0)
		err = rota_fd_errno(errno);
	close(fd);
	return err;
}

static enum rota_err make_at(
	int dir, const struct rota_random *random, uint8_t auth[static ROTA_TPM2_AUTH_LEN])
{
	enum rota_err err = read_at(dir, auth);

	if (err != ROTA_ERR_NOT_FOUND)
		return err;
	ROTA_TRY(random->fill(random->ctx, rota_buf(auth, ROTA_TPM2_AUTH_LEN)));
	ROTA_TRY(write_draft(dir, auth));
	if (renameat(dir, DRAFT, dir, ROTA_TPM2_AUTH_FILE) != 0 || fsync(dir) != 0)
		return rota_fd_errno(errno);
	return ROTA_OK;
}

static int open_dir(const char *dir)
{
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

enum rota_err rota_tpm2_auth_read(const char *dir, uint8_t auth[static ROTA_TPM2_AUTH_LEN])
{
	int fd = open_dir(dir);
	enum rota_err err;

	if (fd < 0)
		return rota_fd_errno(errno);
	err = read_at(fd, auth);
	close(fd);
	return err;
}

enum rota_err rota_tpm2_auth_make(
	const char *dir, const struct rota_random *random, uint8_t auth[static ROTA_TPM2_AUTH_LEN])
{
	int fd = open_dir(dir);
	enum rota_err err;

	if (fd < 0)
		return rota_fd_errno(errno);
	err = make_at(fd, random, auth);
	close(fd);
	return err;
}
