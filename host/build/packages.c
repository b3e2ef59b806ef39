/* SPDX-License-Identifier: Apache-2.0 */
#include "host/build/packages.h"
#include "host/base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS "/var/lib/dpkg/status"

/* One paragraph of the list. */
struct paragraph {
	const char *name, *version, *arch;
	bool installed;
};

/* The value behind "FIELD: ", when the line is of that field. */
static const char *value_of(const char *line, const char *field)
{
	size_t len = strlen(field);

	return strncmp(line, field, len) == 0 && strncmp(line + len, ": ", 2) == 0 ? line + len + 2
										   : NULL;
}

static void take_line(struct paragraph *p, const char *line)
{
	const char *value;

	if ((value = value_of(line, "Package")) != NULL)
		p->name = value;
	else if ((value = value_of(line, "Version")) != NULL)
		p->version = value;
	else if ((value = value_of(line, "Architecture")) != NULL)
		p->arch = value;
	else if ((value = value_of(line, "Status")) != NULL)
		p->installed = strcmp(value, "install ok installed") == 0 ||
			strcmp(value, "hold ok installed") == 0;
}

/* Percent-encoded as the package URL specification wants it; the caller frees. */
static char *encoded(const char *text)
{
	struct rota_bytes out = { 0 };

	rota_bytes_add_text(&out, "");
	for (const char *c = text; *c; c++)
		if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			(*c >= '0' && *c <= '9') || strchr(".-_~", *c))
			rota_bytes_print(&out, "%c", *c);
		else
			rota_bytes_print(&out, "%%%02X", (unsigned)(unsigned char)*c);
	return (char *)out.p;
}

static void add(json_t *list, const struct paragraph *p, const char *vendor)
{
	char *name, *version, *purl;

	if (!p->name || !p->version || !p->arch || !p->installed)
		return;
	name = encoded(p->name);
	version = encoded(p->version);
	purl = rota_text("pkg:deb/%s/%s@%s?arch=%s", vendor, name, version, p->arch);
	json_array_append_new(list,
		json_pack("{s:s,s:s,s:s}", "name", p->name, "purl", purl, "version", p->version));
	free(name);
	free(version);
	free(purl);
}

enum rota_err rota_packages_read(
	const char *path, const char *vendor, json_t **out, struct rota_fail *why)
{
	struct paragraph p = { 0 };
	struct rota_bytes text;
	char *rest, *line;

	*out = json_array();
	if (!path && !rota_file_exists(STATUS))
		return ROTA_OK;
	if (rota_file_read(path ? path : STATUS, ROTA_PACKAGES_MAX, &text, why) != ROTA_OK) {
		json_decref(*out);
		return why->err;
	}
	rest = (char *)text.p;
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line) {
			take_line(&p, line);
			continue;
		}
		add(*out, &p, vendor);
		p = (struct paragraph){ 0 };
	}
	add(*out, &p, vendor);
	rota_bytes_free(&text);
	return ROTA_OK;
}

void rota_packages_vendor(char out[static 32])
{
	struct rota_bytes text;
	struct rota_fail why;
	char *rest, *line;

	snprintf(out, 32, "debian");
	if (rota_file_read("/etc/os-release", 64 * 1024, &text, &why) != ROTA_OK)
		return;
	rest = (char *)text.p;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (strncmp(line, "ID=", 3) == 0 &&
			strspn(line + 3, "abcdefghijklmnopqrstuvwxyz0123456789.-_") ==
				strlen(line + 3))
			snprintf(out, 32, "%s", line + 3);
	rota_bytes_free(&text);
}

const json_t *rota_packages_find(const json_t *packages, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(packages, i,
		one) if (strcmp(json_string_value(json_object_get(one, "name")), name) ==
		0) return one;
	return NULL;
}
