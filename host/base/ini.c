/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/ini.h"
#include "host/base/bytes.h"
#include "host/base/file.h"

#include <ini.h>
#include <stdlib.h>
#include <string.h>

static struct rota_ini_row *find(const struct rota_ini *ini, const char *section, const char *key)
{
	for (size_t i = 0; i < ini->count; i++)
		if (strcmp(ini->rows[i].section, section) == 0 &&
			strcmp(ini->rows[i].key, key) == 0)
			return &ini->rows[i];
	return NULL;
}

struct load {
	struct rota_ini *ini;
	struct rota_fail *why;
};

/* inih calls this per value and, with the same name again, per continuation line; a repeated key looks the
 * same unless it is not the last row, which is what the error is for. */
static int on_value(void *user, const char *section, const char *key, const char *value)
{
	struct load *load = user;
	struct rota_ini *ini = load->ini;
	struct rota_ini_row *row = find(ini, section, key);

	if (row && row == &ini->rows[ini->count - 1]) {
		char *joined = rota_text("%s %s", row->value, value);

		free(row->value);
		row->value = joined;
		return 1;
	}
	if (row) {
		rota_fail(load->why, ROTA_ERR_FORMAT, "%s: [%s] %s stands twice", ini->path,
			section, key);
		return 0;
	}
	ini->rows = realloc(ini->rows, (ini->count + 1) * sizeof(*ini->rows));
	if (!ini->rows)
		abort();
	ini->rows[ini->count++] = (struct rota_ini_row){ .section = rota_text("%s", section),
		.key = rota_text("%s", key),
		.value = rota_text("%s", value) };
	return 1;
}

enum rota_err rota_ini_load(const char *path, struct rota_ini *out, struct rota_fail *why)
{
	struct load load = { .ini = out, .why = why };
	struct rota_bytes text;
	int line;

	*out = (struct rota_ini){ 0 };
	ROTA_TRY(rota_file_read(path, ROTA_INI_BYTES_MAX, &text, why));
	out->path = rota_text("%s", path);
	why->text[0] = 0;
	line = ini_parse_string((const char *)text.p, on_value, &load);
	out->text = (char *)text.p;
	if (line == 0)
		return ROTA_OK;
	if (!why->text[0])
		rota_fail(why, ROTA_ERR_FORMAT, "%s line %d: neither [section] nor key = value",
			path, line);
	rota_ini_free(out);
	return why->err = ROTA_ERR_FORMAT;
}

void rota_ini_free(struct rota_ini *ini)
{
	for (size_t i = 0; i < ini->count; i++) {
		free(ini->rows[i].section);
		free(ini->rows[i].key);
		free(ini->rows[i].value);
	}
	free(ini->rows);
	free(ini->text);
	free(ini->path);
	*ini = (struct rota_ini){ 0 };
}

const char *rota_ini_get(struct rota_ini *ini, const char *section, const char *key)
{
	struct rota_ini_row *row = find(ini, section, key);

	if (!row)
		return NULL;
	row->used = true;
	return row->value;
}

enum rota_err rota_ini_need(struct rota_ini *ini, const char *section, const char *key,
	const char **value, struct rota_fail *why)
{
	*value = rota_ini_get(ini, section, key);
	if (*value && **value)
		return ROTA_OK;
	return rota_fail(
		why, ROTA_ERR_FORMAT, "%s: [%s] lacks '%s = ...'", ini->path, section, key);
}

/* Whether `line` begins with `word` and, after blanks, `end` or, for a key, its other sign ':'. */
static bool line_is(const char *line, const char *word, char end)
{
	size_t len = strlen(word);

	if (strncmp(line, word, len) != 0)
		return false;
	line += len + strspn(line + len, " \t");
	return *line == end || (end == '=' && *line == ':');
}

unsigned rota_ini_line(const struct rota_ini *ini, const char *section, const char *key)
{
	bool within = false;
	unsigned line = 1;

	for (const char *at = ini->text; at; line++) {
		const char *text = at + strspn(at, " \t");

		if (*text == '[')
			within = line_is(text + 1, section, ']');
		else if (within && line_is(text, key, '='))
			return line;
		at = strchr(at, '\n');
		if (at)
			at++;
	}
	return 0;
}

enum rota_err rota_ini_number(struct rota_ini *ini, const char *section, const char *key,
	uint64_t least, uint64_t most, uint64_t fallback, uint64_t *value, struct rota_fail *why)
{
	const char *text = rota_ini_get(ini, section, key);
	char *end = NULL;

	*value = fallback;
	if (!text)
		return ROTA_OK;
	if (*text >= '0' && *text <= '9')
		*value = strtoull(text, &end, 10);
	if (!end || *end || *value < least || *value > most)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"%s line %u: [%s] %s = %s is not a number from %llu to %llu", ini->path,
			rota_ini_line(ini, section, key), section, key, text,
			(unsigned long long)least, (unsigned long long)most);
	return ROTA_OK;
}

const char *rota_ini_section(const struct rota_ini *ini, const char *kind, size_t n)
{
	size_t len = strlen(kind);
	const char *last = "";

	for (size_t i = 0; i < ini->count; i++) {
		const char *name = ini->rows[i].section;

		if (strncmp(name, kind, len) != 0 || name[len] != ' ' || strcmp(name, last) == 0)
			continue;
		last = name;
		if (n-- == 0)
			return name + len + 1;
	}
	return NULL;
}

enum rota_err rota_ini_all_used(const struct rota_ini *ini, struct rota_fail *why)
{
	for (size_t i = 0; i < ini->count; i++)
		if (!ini->rows[i].used)
			return rota_fail(why, ROTA_ERR_FORMAT,
				"%s line %u: [%s] %s is not a known setting", ini->path,
				rota_ini_line(ini, ini->rows[i].section, ini->rows[i].key),
				ini->rows[i].section, ini->rows[i].key);
	return ROTA_OK;
}
