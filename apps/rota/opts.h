/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/opts.h -- options of a verb as a table, parsed with getopt_long.
 *
 * A verb lists its options once; the table gives parsing, --help and the complaint about wrong usage.
 * --help and --dir are understood by every verb and need no row.
 */
#ifndef APPS_ROTA_OPTS_H
#define APPS_ROTA_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values of one repeated option that a command line may carry; more is wrong usage. */
#define OPTS_LIST_MAX 64

struct opts_list {
	const char *at[OPTS_LIST_MAX];
	size_t count;
};

enum opts_kind {
	OPTS_FLAG, /* to: bool */
	OPTS_TEXT, /* to: const char *, the last one given */
	OPTS_LIST, /* to: struct opts_list, all in order */
};

struct opts_row {
	const char *name; /* without the dashes */
	const char *arg; /* what the value is called in the help, NULL for a flag */
	const char *help;
	enum opts_kind kind;
	void *to;
};

struct opts_usage {
	const char *synopsis; /* "rota image sign [OPTION]... FILE" */
	const char *text; /* what the verb does */
	const char *examples; /* lines */
	const struct opts_row *rows; /* ends with a row without name */
	int operands_min, operands_max;
};

/* Fill the rows' targets from argv. Returns true and, in *first, the index of the first operand; or false
 * when the verb is over (help printed, wrong usage said), with its exit status in *status. */
bool opts_parse(const struct opts_usage *usage, int argc, char **argv, int *first, int *status);

/* Say "rota VERB: TEXT" and where help is, on standard error; gives 2. */
int opts_wrong(const struct opts_usage *usage, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A decimal number of at most `most`; false for anything else. */
bool opts_number(const char *text, uint64_t most, uint64_t *number);

/* Slashes at the end of a folder's name go, so that a name can be made from it. */
void opts_trim_slashes(char *path);

#endif
