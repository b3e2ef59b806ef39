/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/sel_uboot/places.h"
#include "ports/sel_uboot/env.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer ones are no lines of this file. */
#define LINE_MAX_LEN 512

static bool number(const char *text, uint64_t *out)
{
	char *end;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return false; /* also "-0x...", counted from a device's end */
	errno = 0;
	*out = strtoull(text, &end, 0);
	return errno == 0 && *end == '\0';
}

static enum rota_err read_line(char *line, struct rota_uboot_places *out)
{
	struct rota_uboot_place *p;
	const char *device, *offset, *size;
	char *rest = NULL;
	uint64_t bytes;

	device = strtok_r(line, " \t\n", &rest);
	if (device == NULL || device[0] == '#')
		return ROTA_OK;
	if (out->count == ROTA_UBOOT_PLACES_MAX || device[0] != '/' ||
		strlen(device) >= ROTA_UBOOT_DEVICE_MAX)
		return ROTA_ERR_FORMAT;
	p = &out->place[out->count++];
	memcpy(p->device, device, strlen(device) + 1);
	offset = strtok_r(NULL, " \t\n", &rest);
	size = strtok_r(NULL, " \t\n", &rest);
	if (!number(offset, &p->offset) || p->offset > INT64_MAX / 2 || !number(size, &bytes) ||
		bytes < ROTA_UBOOT_ENV_MIN || bytes > ROTA_UBOOT_ENV_MAX)
		return ROTA_ERR_FORMAT;
	p->size = (uint32_t)bytes;
	return ROTA_OK;
}

static enum rota_err judge(const struct rota_uboot_places *out)
{
	const struct rota_uboot_place *a = &out->place[0], *b = &out->place[1];

	if (out->count == 0)
		return ROTA_ERR_FORMAT;
	if (out->count == 1)
		return ROTA_OK;
	if (a->size != b->size)
		return ROTA_ERR_FORMAT;
	if (strcmp(a->device, b->device) == 0 && a->offset < b->offset + b->size &&
		b->offset < a->offset + a->size)
		return ROTA_ERR_FORMAT;
	return ROTA_OK;
}

enum rota_err rota_uboot_places_read(const char *file, struct rota_uboot_places *out)
{
	char line[LINE_MAX_LEN];
	enum rota_err err = ROTA_OK;
	FILE *f = fopen(file, "re");

	memset(out, 0, sizeof(*out));
	if (f == NULL && errno == EACCES)
		return ROTA_ERR_DENIED;
	if (f == NULL)
		return errno == ENOENT ? ROTA_ERR_NOT_FOUND : ROTA_ERR_IO;
	while (err == ROTA_OK && fgets(line, sizeof(line), f) != NULL)
		err = strlen(line) == sizeof(line) - 1 ? ROTA_ERR_FORMAT : read_line(line, out);
	if (err == ROTA_OK && ferror(f))
		err = ROTA_ERR_IO;
	(void)fclose(f);
	return err == ROTA_OK ? judge(out) : err;
}
