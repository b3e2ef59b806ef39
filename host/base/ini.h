/* SPDX-License-Identifier: Apache-2.0 */
/* host/base/ini.h -- an INI file, read whole, asked by section and key.
 *
 * Values that run over several lines (further lines indented) are joined by one space. A key that stands
 * twice in a section is an error, and so, with rota_ini_all_used(), is one that nobody asked for: a
 * misspelt setting must not be silently without effect.
 */
#ifndef HOST_BASE_INI_H
#define HOST_BASE_INI_H

#include "host/base/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A configuration is written by hand; more than this is another kind of file. */
#define ROTA_INI_BYTES_MAX (256 * 1024)
/* What inih, as distributions build it, takes of one line and of a section's name. Longer ones are refused;
 * a longer value goes on on further lines. */
#define ROTA_INI_LINE_MAX 198
#define ROTA_INI_SECTION_MAX 49

struct rota_ini_row {
	char *section, *key, *value;
	bool used;
};

struct rota_ini {
	char *path;
	char *text; /* the file, to find lines in */
	struct rota_ini_row *rows;
	size_t count;
};

ROTA_MUST_USE enum rota_err rota_ini_load(
	const char *path, struct rota_ini *out, struct rota_fail *why);
void rota_ini_free(struct rota_ini *ini);

/* The value, owned by `ini`; NULL when there is none. */
const char *rota_ini_get(struct rota_ini *ini, const char *section, const char *key);

/* The same; its absence is an error that names file, section and key. */
ROTA_MUST_USE enum rota_err rota_ini_need(struct rota_ini *ini, const char *section,
	const char *key, const char **value, struct rota_fail *why);

/* The line on which [section] key stands, from 1; 0 when it does not. For sentences about its value. */
unsigned rota_ini_line(const struct rota_ini *ini, const char *section, const char *key);

/* An unsigned number between the two; `fallback` when absent. */
ROTA_MUST_USE enum rota_err rota_ini_number(struct rota_ini *ini, const char *section,
	const char *key, uint64_t least, uint64_t most, uint64_t fallback, uint64_t *value,
	struct rota_fail *why);

/* The `n`-th section (in order of the file) whose name begins with "KIND ": the rest of its name, else NULL. */
const char *rota_ini_section(const struct rota_ini *ini, const char *kind, size_t n);

/* ROTA_ERR_FORMAT naming the first row that was never asked for. */
ROTA_MUST_USE enum rota_err rota_ini_all_used(const struct rota_ini *ini, struct rota_fail *why);

#endif
