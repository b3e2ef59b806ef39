/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_boot/layout.h"
#include "rota/store/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

const struct rota_flash_geometry rota_layout_journal = {
	.run = { { .sector_len = 4096, .count = 4 } },
	.write_len = 16,
};

static enum rota_err lock(struct rota_layout_state *s)
{
	ROTA_TRY(rota_flash_file_lock(&s->flash, ROTA_LAYOUT_LOCK_MS));
	return rota_journal_open(&s->journal, &s->flash.port, ROTA_JOURNAL_BOOT);
}

static enum rota_err open_journal(struct rota_layout_state *s, int device_fd)
{
	enum rota_err err;

	ROTA_TRY(rota_flash_file_open(
		&s->flash, device_fd, ROTA_LAYOUT_JOURNAL, &rota_layout_journal));
	err = lock(s);
	if (err != ROTA_OK)
		rota_layout_state_close(s);
	return err;
}

enum rota_err rota_layout_state_open(struct rota_layout_state *s, int device_fd)
{
	enum rota_err err;

	ROTA_TRY(open_journal(s, device_fd));
	err = rota_bootstate_load(&s->journal, &s->state);
	if (err != ROTA_OK)
		rota_layout_state_close(s);
	return err;
}

enum rota_err rota_layout_state_anew(
	struct rota_layout_state *s, int device_fd, const struct rota_rom *rom, uint8_t count)
{
	static const uint8_t unknown[ROTA_SHA256_LEN];
	enum rota_err err = ROTA_OK;

	ROTA_TRY(open_journal(s, device_fd));
	rota_bootstate_init(&s->state, rom->counter, unknown);
	for (uint8_t i = 1; i < count && err == ROTA_OK; i++)
		err = rota_bootstate_add(&s->state, unknown);
	rota_watchdog_init(&rom->watchdog, &s->state);
	if (err != ROTA_OK)
		rota_layout_state_close(s);
	return err;
}

enum rota_err rota_layout_state_commit(struct rota_layout_state *s)
{
	return rota_bootstate_commit(&s->journal, &s->state);
}

void rota_layout_state_close(struct rota_layout_state *s)
{
	rota_flash_file_close(&s->flash); /* releases the lock too */
}

enum rota_err rota_layout_rom_read(struct rota_layout_rom *r, int device_fd)
{
	int fd = openat(device_fd, ROTA_LAYOUT_ROM, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got;

	if (fd < 0)
		return errno == ENOENT ? ROTA_ERR_NOT_FOUND : ROTA_ERR_IO;
	do {
		got = read(fd, &r->bytes[len], sizeof(r->bytes) - len);
		len += got > 0 ? (size_t)got : 0;
	} while (got > 0 || (got < 0 && errno == EINTR));
	(void)close(fd);
	if (got < 0)
		return ROTA_ERR_IO;
	return rota_rom_decode(rota_span(r->bytes, len), &r->rom);
}
