/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_boot/booted.h"
#include "ports/slots_boot/layout.h"
#include "rota/base/hex.h"
#include "rota/codec/version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define UNKNOWN "unknown" /* a fallback to an image that the boot state does not know */
#define TEMPORARY ROTA_LAYOUT_BOOTED ".new"
#define KEY_MAX 12 /* "version.7" and NUL */

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

const char *rota_booted_kind_name(const struct rota_running *running)
{
	return running->unknown ? UNKNOWN : rota_boot_kind_name(running->kind);
}

/* ---- writing ---- */

struct text {
	char *to; /* ROTA_BOOTED_FILE_MAX bytes */
	size_t len;
};

static void __attribute__((format(printf, 2, 3))) put(struct text *t, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(t->to + t->len, ROTA_BOOTED_FILE_MAX - t->len, format, args);
	va_end(args);
	if (len > 0 && (size_t)len < ROTA_BOOTED_FILE_MAX - t->len) /* it fits */
		t->len += (size_t)len;
}

static void put_digest(struct text *t, const char *key, const uint8_t *digest)
{
	uint8_t hex[2 * ROTA_SHA256_LEN];

	if (rota_hex_encode(rota_span(digest, ROTA_SHA256_LEN), ROTA_BUF(hex)) != ROTA_OK)
		return; /* it fits */
	put(t, "%s=%.*s\n", key, (int)sizeof(hex), (const char *)hex);
}

static void put_version(struct text *t, const char *key, uint64_t version)
{
	uint8_t spelled[ROTA_VERSION_TEXT_MAX];
	int len = (int)rota_version_format(version, spelled);

	put(t, "%s=%.*s\n", key, len, (const char *)spelled);
}

/* "slot" of component 0, "slot.1" of the next. */
static const char *key_of(const char *word, uint8_t component, char room[static KEY_MAX])
{
	(void)snprintf(room, KEY_MAX, component == 0 ? "%s" : "%s.%u", word, component);
	return room;
}

static size_t format(const struct rota_booted_file *b, char room[static ROTA_BOOTED_FILE_MAX])
{
	const struct rota_running *r = &b->running;
	struct text t = { .to = room };
	char key[KEY_MAX];

	for (uint8_t i = 0; i < r->count; i++) {
		put(&t, "%s=%u\n", key_of("slot", i, key), r->places >> i & 1);
		if (i == 0)
			put(&t, "kind=%s\n", rota_booted_kind_name(r));
		put_digest(&t, key_of("digest", i, key), r->digest[i]);
		put_version(&t, key_of("version", i, key), b->version[i]);
		if (i == 0)
			put(&t, "boot=%u\n", b->boot);
		if (i == 0 && r->count > 1)
			put(&t, "trial=%u\n", r->trial);
	}
	return t.len;
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

/* ---- reading ---- */

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

static bool parse_kind(const char *text, struct rota_running *to)
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

static bool parse_number(const char *text, uint32_t most, uint32_t *to)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*to = (uint32_t)value;
	return *text >= '0' && *text <= '9' && *end == '\0' && value <= most;
}

static bool take_number(char **at, const char *key, uint32_t most, uint32_t *to)
{
	const char *text = take(at, key);

	return text != NULL && parse_number(text, most, to);
}

static bool take_kind(char **at, struct rota_running *to)
{
	const char *text = take(at, "kind");

	return text != NULL && parse_kind(text, to);
}

static bool take_image(char **at, uint8_t component, struct rota_booted_file *out)
{
	char key[KEY_MAX];
	const char *digest = take(at, key_of("digest", component, key));
	const char *version = digest ? take(at, key_of("version", component, key)) : NULL;

	return version != NULL &&
		rota_hex_decode(rota_span_cstr(digest), ROTA_BUF(out->running.digest[component])) ==
		ROTA_OK &&
		rota_version_parse(rota_span_cstr(version), &out->version[component]) == ROTA_OK;
}

static bool take_slot(char **at, uint8_t component, struct rota_running *to)
{
	char key[KEY_MAX];
	uint32_t place;

	if (!take_number(at, key_of("slot", component, key), 1, &place))
		return false;
	to->places |= (uint8_t)(place << component);
	return true;
}

static bool parse(char *text, struct rota_booted_file *out)
{
	struct rota_running *r = &out->running;
	uint32_t trial;

	*out = (struct rota_booted_file){ .running.count = 1 };
	if (!take_slot(&text, 0, r) || !take_kind(&text, r) || !take_image(&text, 0, out) ||
		!take_number(&text, "boot", UINT32_MAX, &out->boot))
		return false;
	r->trial = r->kind == ROTA_BOOT_TRIAL;
	if (*text == '\0')
		return true;
	if (!take_number(&text, "trial", UINT8_MAX, &trial))
		return false;
	r->trial = (uint8_t)trial;
	for (; *text != '\0' && r->count < ROTA_SET_MAX; r->count++) {
		if (!take_slot(&text, r->count, r) || !take_image(&text, r->count, out))
			return false;
	}
	return *text == '\0' && r->count > 1 && trial >> r->count == 0 &&
		(trial != 0) == (r->kind == ROTA_BOOT_TRIAL);
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

bool rota_booted_supervised(int device_fd)
{
	int fd = openat(device_fd, ROTA_LAYOUT_PID, O_RDONLY | O_CLOEXEC);
	bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;

	if (fd >= 0)
		(void)close(fd);
	return held;
}

void rota_booted_remove(int device_fd)
{
	(void)unlinkat(device_fd, ROTA_LAYOUT_BOOTED, 0);
}
