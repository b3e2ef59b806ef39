/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-boot/device.h"
#include "rota/base/hex.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void say(const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	(void)dprintf(STDERR_FILENO, "rota-boot: %s\n", line); /* one write: whole lines in a log */
}

void digest_text(const uint8_t digest[static ROTA_SHA256_LEN], char text[static 65])
{
	uint8_t hex[64];

	text[0] = '\0';
	if (rota_hex_encode(rota_span(digest, ROTA_SHA256_LEN), ROTA_BUF(hex)) != ROTA_OK)
		return; /* it fits */
	memcpy(text, hex, sizeof(hex));
	text[64] = '\0';
}

void version_text(uint64_t version, char text[static VERSION_TEXT])
{
	uint8_t spelled[ROTA_VERSION_TEXT_MAX];
	size_t len = rota_version_format(version, spelled);

	memcpy(text, spelled, len);
	text[len] = '\0';
}

static bool open_dir(struct device *d, const char *path)
{
	if (realpath(path, d->path) != NULL)
		d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd >= 0)
		return true;
	say("%s: %s; --device names a device's directory", path, strerror(errno));
	return false;
}

static bool read_rom(struct device *d)
{
	enum rota_err err = rota_layout_rom_read(&d->rom, d->fd);

	if (err == ROTA_OK)
		return true;
	say("%s/" ROTA_LAYOUT_ROM ": %s; the factory writes it", d->path, rota_err_str(err));
	return false;
}

/* What is wrong with the flash stops no boot here: there may be a recovery pack. */
static void read_set(struct device *d)
{
	enum rota_err err = rota_components_read(&d->set, d->fd);

	if (err == ROTA_OK)
		return;
	d->set.count = 0;
	say("%s/" ROTA_LAYOUT_FLASH ": the folders of components cannot be told: %s", d->path,
		rota_err_str(err));
}

bool device_agrees(const struct device *d, const struct rota_bootstate *state)
{
	if (state->count == d->set.count)
		return true;
	say("%s/" ROTA_LAYOUT_FLASH " has %u components, the boot state %u (SPEC 10.10)", d->path,
		d->set.count, state->count);
	return false;
}

bool device_open(struct device *d, const char *path)
{
	*d = (struct device){ .fd = -1 };
	if (!open_dir(d, path) || !read_rom(d))
		return false;
	read_set(d);
	d->room = malloc(ROTA_SOURCE_PIECE);
	if (d->room == NULL)
		say("not enough memory");
	return d->room != NULL;
}

void device_tpm(struct device *d, const char *tcti, unsigned pcr)
{
	if (tcti == NULL && d->rom.rom.nv_have != 0)
		tcti = "device:/dev/tpmrm0";
	d->tcti = tcti;
	d->pcr = pcr;
	if (d->rom.rom.nv_have != 0)
		rota_counter_tpm_init(&d->counters, tcti, &d->rom.rom);
}

const struct rota_counter *device_counter(const struct device *d)
{
	return d->rom.rom.nv_have != 0 ? &d->counters.port : NULL;
}

void device_close(struct device *d)
{
	free(d->room);
	if (d->fd >= 0)
		(void)close(d->fd);
}
