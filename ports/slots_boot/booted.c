/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_boot/booted.h"
#include "ports/slots_boot/layout.h"
#include "rota/base/hex.h"
#include "rota/codec/version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNKNOWN "unknown" /* a fallback to an image that the boot state does not know */
#define TEMPORARY ROTA_LAYOUT_BOOTED ".new"

static const char *const kinds[] = {
	[ROTA_BOOT_CONFIRMED] = "confirmed",
	[ROTA_BOOT_TRIAL] = "trial",
	[ROTA_BOOT_REVERTED] = "reverted",
	[ROTA_BOOT_FALLBACK] = "fallback",
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *rota_boot_kind_name(enum rota_boot_kind kind)
{
	return kinds[kind];
}

const char *rota_booted_kind_name(const struct rota_booted *booted)
{
	return booted->unknown ? UNKNOWN : rota_boot_kind_name(booted->kind);
}

static size_t format(const struct rota_booted_file *b, char room[static ROTA_BOOTED_FILE_MAX])
{
	uint8_t digest[2 * ROTA_SHA256_LEN];
	uint8_t version[ROTA_VERSION_TEXT_MAX];
	int version_len = (int)rota_version_format(b->version, version);

	if (rota_hex_encode(ROTA_SPAN(b->booted.digest), ROTA_BUF(digest)) != ROTA_OK)
		return 0; /* it fits */
	return (size_t)snprintf(room, ROTA_BOOTED_FILE_MAX,
		"slot=%u\nkind=%s\ndigest=%.*s\nversion=%.*s\nboot=%u\n", b->booted.id,
		rota_booted_kind_name(&b->booted), (int)sizeof(digest), (const char *)digest,
		version_len, (const char *)version, b->boot);
}

enum rota_err rota_booted_write(int device_fd, const struct rota_booted_file *booted)
{
	char text[ROTA_BOOTED_FILE_MAX];
	size_t len = format(booted, text);
	int fd = openat(device_fd, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t put;

	if (fd < 0)
		return ROTA_ERR_IO;
	put = write(fd, text, len);
	if (close(fd) != 0 || put != (ssize_t)len)
		return put >= 0 || errno == ENOSPC ? ROTA_ERR_FULL : ROTA_ERR_IO;
	return renameat(device_fd, TEMPORARY, device_fd, ROTA_LAYOUT_BOOTED) == 0 ? ROTA_OK
										  : ROTA_ERR_IO;
}

/* The value of the line `key=...` at *at, which then is past it; NULL when the line is another. */
static char *take(char **at, const char *key)
{
	size_t len = strlen(key);
	char *value = *at + len + 1, *end = strchr(*at, '\n');

	if (end == NULL || strncmp(*at, key, len) != 0 || (*at)[len] != '=')
		return NULL;
	*end = '\0';
	*at = end + 1;
	return value;
}

static bool parse_kind(const char *text, struct rota_booted *to)
{
	to->unknown = strcmp(text, UNKNOWN) == 0;
	to->kind = ROTA_BOOT_FALLBACK;
	if (to->unknown)
		return true;
	for (size_t i = 0; i < KINDS; i++) {
		if (strcmp(kinds[i], text) != 0)
			continue;
		to->kind = (enum rota_boot_kind)i;
		return true;
	}
	return false;
}

static bool parse(char *text, struct rota_booted_file *out)
{
	char *slot = take(&text, "slot"), *kind, *digest, *version, *boot, *end;

	kind = slot ? take(&text, "kind") : NULL;
	digest = kind ? take(&text, "digest") : NULL;
	version = digest ? take(&text, "version") : NULL;
	boot = version ? take(&text, "boot") : NULL;
	if (boot == NULL || *text != '\0' || (strcmp(slot, "0") != 0 && strcmp(slot, "1") != 0))
		return false;
	out->booted.id = (uint8_t)(slot[0] - '0');
	out->boot = (uint32_t)strtoul(boot, &end, 10);
	return *end == '\0' && parse_kind(kind, &out->booted) &&
		rota_version_parse(rota_span_cstr(version), &out->version) == ROTA_OK &&
		rota_hex_decode(rota_span_cstr(digest), ROTA_BUF(out->booted.digest)) == ROTA_OK;
}

enum rota_err rota_booted_read(int device_fd, struct rota_booted_file *out)
{
	char text[ROTA_BOOTED_FILE_MAX + 1];
	int fd = openat(device_fd, ROTA_LAYOUT_BOOTED, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return errno == ENOENT ? ROTA_ERR_NOT_FOUND : ROTA_ERR_IO;
	got = read(fd, text, ROTA_BOOTED_FILE_MAX);
	(void)close(fd);
	if (got < 0)
		return ROTA_ERR_IO;
	text[got] = '\0';
	return parse(text, out) ? ROTA_OK : ROTA_ERR_CORRUPT;
}

void rota_booted_remove(int device_fd)
{
	(void)unlinkat(device_fd, ROTA_LAYOUT_BOOTED, 0);
}
