/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/sel_grub/sel_grub.h"
#include "ports/posix/fd.h"
#include "ports/sel_grub/block.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t letters[2][3] = {
	{ [ROTA_SELECTED_NONE] = 'A', [ROTA_SELECTED_ASKED] = 'b', [ROTA_SELECTED_STARTED] = 'x' },
	{ [ROTA_SELECTED_NONE] = 'B', [ROTA_SELECTED_ASKED] = 'a', [ROTA_SELECTED_STARTED] = 'y' },
};

static struct rota_span name(void)
{
	return ROTA_STR("rota");
}

static enum rota_err decode(uint8_t letter, struct rota_selection *out)
{
	for (uint8_t confirmed = 0; confirmed < 2; confirmed++) {
		for (uint8_t trial = 0; trial < sizeof(letters[0]); trial++) {
			if (letters[confirmed][trial] != letter)
				continue;
			*out = (struct rota_selection){ confirmed, trial };
			return ROTA_OK;
		}
	}
	return ROTA_ERR_CORRUPT;
}

/* The block is the whole file, as it is for GRUB. What is no file (a FIFO would hold us up, but for O_NONBLOCK) is none. */
static enum rota_err load(int fd, uint8_t block[static ROTA_GRUB_BLOCK_LEN])
{
	struct stat st;
	size_t got;

	if (fstat(fd, &st) != 0)
		return ROTA_ERR_IO;
	if (!S_ISREG(st.st_mode))
		return ROTA_ERR_UNSUPPORTED;
	ROTA_TRY(rota_fd_read_some(fd, 0, rota_buf(block, ROTA_GRUB_BLOCK_LEN), &got));
	if (st.st_size != ROTA_GRUB_BLOCK_LEN || got != ROTA_GRUB_BLOCK_LEN ||
		!rota_grub_block_valid(block))
		return ROTA_ERR_CORRUPT;
	return ROTA_OK;
}

static enum rota_err grub_read(void *ctx, struct rota_selection *out)
{
	const struct rota_sel_grub *s = ctx;
	uint8_t block[ROTA_GRUB_BLOCK_LEN];
	int fd = open(s->file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	enum rota_err err;
	size_t at;

	if (fd < 0)
		return rota_fd_errno(errno);
	err = load(fd, block);
	(void)close(fd);
	ROTA_TRY(err);
	at = rota_grub_block_letter(block, name());
	return at == 0 ? ROTA_ERR_CORRUPT : decode(block[at], out);
}

/* Only what changes is written: one letter, but for the first time. */
static enum rota_err store(int fd, uint8_t letter)
{
	uint8_t block[ROTA_GRUB_BLOCK_LEN];
	struct rota_span from = rota_span(&letter, 1);
	size_t at;

	ROTA_TRY(load(fd, block));
	at = rota_grub_block_letter(block, name());
	if (at == 0) {
		ROTA_TRY(rota_grub_block_add(block, name(), letter));
		from = ROTA_SPAN(block);
	}
	ROTA_TRY(rota_fd_write(fd, at, from));
	return fdatasync(fd) == 0 ? ROTA_OK : rota_fd_errno(errno);
}

static enum rota_err grub_set(void *ctx, const struct rota_selection *to)
{
	const struct rota_sel_grub *s = ctx;
	int fd = open(s->file, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	enum rota_err err;

	if (fd < 0)
		return rota_fd_errno(errno);
	err = store(fd, letters[to->confirmed][to->trial]);
	if (close(fd) != 0 && err == ROTA_OK)
		err = ROTA_ERR_IO;
	return err;
}

void rota_sel_grub_open(struct rota_sel_grub *s, const char *file)
{
	*s = (struct rota_sel_grub){ .file = file };
	s->port = (struct rota_selector){ .ctx = s, .read = grub_read, .set = grub_set };
}
