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

/* inih calls this per value and, with the same name again, per continuation line. */
static int on_value(void *user, const char *section, const char *key, const char *value)
{
	struct rota_ini *ini = user;
	struct rota_ini_row *row = find(ini, section, key);

	if (row && row == &ini->rows[ini->count - 1]) {
		char *joined = rota_text("%s %s", row->value, value);

		free(row->value);
		row->value = joined;
		return 1;
	}
	if (row)
		return 1; /* stands twice: find_twice() says where */
	ini->rows = realloc(ini->rows, (ini->count + 1) * sizeof(*ini->rows));
	if (!ini->rows)
		abort();
	ini->rows[ini->count++] = (struct rota_ini_row){ .section = rota_text("%s", section),
		.key = rota_text("%s", key),
		.value = rota_text("%s", value) };
	return 1;
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

/* inih cuts a longer line (INI_MAX_LINE) or section name (MAX_SECTION) silently, and the rest of a line would be a
 * line of its own: the end of a comment, a setting. A NUL would hide all that follows. */
static enum rota_err check_lines(
	const char *path, const struct rota_bytes *text, struct rota_fail *why)
{
	unsigned number = 1;

	if (strlen((const char *)text->p) != text->len)
		return rota_fail(why, ROTA_ERR_FORMAT, "%s holds a NUL; it is no text file", path);
	for (const char *line = (const char *)text->p; line; number++) {
		const char *end = strchr(line, '\n'), *name = line + strspn(line, " \t");
		size_t len = end ? (size_t)(end - line) : strlen(line);

		if (len > ROTA_INI_LINE_MAX)
			return rota_fail(why, ROTA_ERR_FORMAT,
				"%s line %u has more than %d bytes; go on with the value on a next "
				"line that is indented",
				path, number, ROTA_INI_LINE_MAX);
		if (*name == '[' && strcspn(name, "]\n") > ROTA_INI_SECTION_MAX + 1)
			return rota_fail(why, ROTA_ERR_FORMAT,
				"%s line %u: a section's name has at most %d bytes", path, number,
				ROTA_INI_SECTION_MAX);
		line = end ? end + 1 : NULL;
	}
	return ROTA_OK;
}

/* The second line on which the key of this row begins; 0 when there is none. An indented line goes on with
 * the value before it. */
static unsigned second_line(const struct rota_ini *ini, const struct rota_ini_row *row)
{
	unsigned number = 1, found = 0;
	bool within = false;

	for (const char *line = ini->text; line; number++) {
		const char *name = line + strspn(line, " \t");

		if (*name == '[')
			within = line_is(name + 1, row->section, ']');
		else if (within && line_is(line, row->key, '=') && found++)
			return number;
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return 0;
}

static enum rota_err find_twice(const struct rota_ini *ini, struct rota_fail *why)
{
	for (size_t i = 0; i < ini->count; i++) {
		unsigned line = second_line(ini, &ini->rows[i]);

		if (line)
			return rota_fail(why, ROTA_ERR_FORMAT, "%s line %u: [%s] %s stands twice",
				ini->path, line, ini->rows[i].section, ini->rows[i].key);
	}
	return ROTA_OK;
}

enum rota_err rota_ini_load(const char *path, struct rota_ini *out, struct rota_fail *why)
{
	struct rota_bytes text;
	enum rota_err err;
	int line;

	*out = (struct rota_ini){ 0 };
	ROTA_TRY(rota_file_read(path, ROTA_INI_BYTES_MAX, &text, why));
	out->path = rota_text("%s", path);
	out->text = (char *)text.p;
	err = check_lines(path, &text, why);
	line = err == ROTA_OK ? ini_parse_string(out->text, on_value, out) : 0;
	if (line != 0)
		err = rota_fail(why, ROTA_ERR_FORMAT,
			"%s line %d: neither [section] nor key = value", path, line);
	if (err == ROTA_OK)
		err = find_twice(out, why);
	if (err != ROTA_OK)
		rota_ini_free(out);
	return err;
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
