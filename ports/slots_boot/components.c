/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_boot/components.h"
#include "ports/posix/fd.h"
#include "ports/slots_boot/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "ROTA_COMPONENT_"

/* ---- names ---- */

void rota_components_variable(const struct rota_components *c, uint8_t component,
	char text[static ROTA_COMPONENTS_VARIABLE_MAX])
{
	(void)snprintf(text, ROTA_COMPONENTS_VARIABLE_MAX, PREFIX "%s", c->name[component]);
	for (char *p = text + sizeof(PREFIX) - 1; *p != '\0'; p++) {
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
		else if (*p < '0' || *p > '9')
			*p = '_';
	}
}

/* Each has a name, and a variable of its own. */
static enum rota_err check(const struct rota_components *c)
{
	char own[ROTA_COMPONENTS_VARIABLE_MAX], other[ROTA_COMPONENTS_VARIABLE_MAX];

	for (uint8_t i = 0; i < c->count; i++) {
		if (!rota_name_valid(rota_span_cstr(c->name[i])))
			return ROTA_ERR_FORMAT;
		rota_components_variable(c, i, own);
		for (uint8_t k = 0; k < i; k++) {
			rota_components_variable(c, k, other);
			if (strcmp(own, other) == 0)
				return ROTA_ERR_FORMAT;
		}
	}
	return ROTA_OK;
}

static enum rota_err put_name(struct rota_components *c, uint8_t component, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > ROTA_NAME_MAX || c->name[component][0] != '\0')
		return ROTA_ERR_FORMAT;
	memcpy(c->name[component], name, len + 1);
	return ROTA_OK;
}

enum rota_err rota_components_init(
	struct rota_components *c, const char *const *names, uint8_t count)
{
	*c = (struct rota_components){ .count = count };
	if (count == 0 || count > ROTA_SET_MAX)
		return ROTA_ERR_FORMAT;
	if (count == 1)
		return ROTA_OK;
	for (uint8_t i = 0; i < count; i++)
		ROTA_TRY(put_name(c, i, names[i]));
	return check(c);
}

enum rota_err rota_components_find(
	const struct rota_components *c, struct rota_span name, uint8_t *component)
{
	*component = 0;
	if (c->count == 1)
		return ROTA_OK;
	for (; *component < c->count; (*component)++) {
		if (rota_span_eq(rota_span_cstr(c->name[*component]), name))
			return ROTA_OK;
	}
	return ROTA_ERR_NOT_FOUND;
}

/* ---- folders ---- */

/* A folder of a component: a digit, a dash, a name. Others are none of ours. */
static enum rota_err take(struct rota_components *c, const char *entry)
{
	uint8_t component = (uint8_t)(entry[0] - '0');

	if (entry[0] < '0' || entry[0] > '9' || entry[1] != '-')
		return ROTA_OK;
	if (component >= ROTA_SET_MAX)
		return ROTA_ERR_FORMAT;
	if (component >= c->count)
		c->count = (uint8_t)(component + 1);
	return put_name(c, component, entry + 2);
}

static enum rota_err read_folders(struct rota_components *c, DIR *dir)
{
	const struct dirent *entry;

	errno = 0;
	while ((entry = readdir(dir)) != NULL)
		ROTA_TRY(take(c, entry->d_name));
	return errno == 0 ? ROTA_OK : ROTA_ERR_IO;
}

enum rota_err rota_components_read(struct rota_components *c, int device_fd)
{
	int fd = openat(device_fd, ROTA_LAYOUT_FLASH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	enum rota_err err;

	*c = (struct rota_components){ .count = 0 };
	if (dir == NULL) {
		err = rota_fd_errno(errno);
		if (fd >= 0)
			(void)close(fd);
		return err;
	}
	err = read_folders(c, dir);
	(void)closedir(dir);
	if (err == ROTA_OK && c->count == 0)
		c->count = 1; /* without a folder */
	else if (err == ROTA_OK)
		err = c->count == 1 ? ROTA_ERR_FORMAT : check(c);
	return err;
}

/* ---- paths ---- */

void rota_components_folder(const struct rota_components *c, uint8_t component,
	char path[static ROTA_COMPONENTS_PATH_MAX])
{
	if (c->count == 1)
		(void)snprintf(path, ROTA_COMPONENTS_PATH_MAX, ROTA_LAYOUT_FLASH);
	else
		(void)snprintf(path, ROTA_COMPONENTS_PATH_MAX, ROTA_LAYOUT_FLASH "/%u-%.*s",
			component, ROTA_NAME_MAX, c->name[component]);
}

static void put_file(char path[static ROTA_COMPONENTS_PATH_MAX], uint8_t place, const char *ending)
{
	size_t len = strlen(path);

	(void)snprintf(path + len, ROTA_COMPONENTS_PATH_MAX - len, "/slot%u.%s", place & 1, ending);
}

void rota_components_slot(const struct rota_components *c, uint8_t component, uint8_t place,
	char path[static ROTA_COMPONENTS_PATH_MAX])
{
	rota_components_folder(c, component, path);
	put_file(path, place, "bin");
}

void rota_components_progress(const struct rota_components *c, uint8_t component, uint8_t place,
	char path[static ROTA_COMPONENTS_PATH_MAX])
{
	rota_components_folder(c, component, path);
	put_file(path, place, "part");
}
