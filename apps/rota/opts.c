/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/opts.h"
#include "apps/rota/verb.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows of one verb, with --help and --dir. */
#define OPTS_ROWS_MAX 40

static void help(const struct opts_usage *usage)
{
	printf("Usage: %s\n\n%s\n\nOptions:\n", usage->synopsis, usage->text);
	for (const struct opts_row *row = usage->rows; row->name; row++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", row->name, row->arg ? " " : "",
			row->arg ? row->arg : "");
		printf("  %-26s %s\n", left, row->help);
	}
	printf("  %-26s %s\n", "--dir DIR", "authority directory (else $ROTA_DIR, else .)");
	printf("  %-26s %s\n", "--help", "this text");
	printf("\nExamples:\n%s\n", usage->examples);
}

/* "rota image sign ", of "rota image sign [OPTION]... PAYLOAD"; "rota rebuild-check ", but of "rota build --sign" no more than
 * "rota build ". */
static size_t verb_len(const char *synopsis)
{
	size_t len = strspn(synopsis, "abcdefghijklmnopqrstuvwxyz -");
	const char *option = strstr(synopsis, " -");

	return option && option < synopsis + len ? (size_t)(option - synopsis) + 1 : len;
}

int opts_wrong(const struct opts_usage *usage, const char *format, ...)
{
	size_t len = verb_len(usage->synopsis);
	va_list args;

	fprintf(stderr, "rota: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; see: %.*s--help\n", (int)len, usage->synopsis);
	return 2;
}

static bool keep(const struct opts_row *row, const char *value)
{
	struct opts_list *list;

	switch (row->kind) {
	case OPTS_FLAG:
		*(bool *)row->to = true;
		return true;
	case OPTS_TEXT:
		*(const char **)row->to = value;
		return true;
	case OPTS_LIST:
		list = row->to;
		if (list->count == OPTS_LIST_MAX)
			return false;
		list->at[list->count++] = value;
		return true;
	}
	return false;
}

static int make_long(const struct opts_row *rows, struct option *to)
{
	int count = 0;

	for (; rows[count].name && count < OPTS_ROWS_MAX - 3; count++)
		to[count] = (struct option){ .name = rows[count].name,
			.has_arg = rows[count].kind == OPTS_FLAG ? no_argument : required_argument,
			.val = 256 + count };
	to[count] = (struct option){ .name = "help", .has_arg = no_argument, .val = 'h' };
	to[count + 1] = (struct option){ .name = "dir", .has_arg = required_argument, .val = 'C' };
	return count;
}

bool opts_parse(const struct opts_usage *usage, int argc, char **argv, int *first, int *status)
{
	struct option longs[OPTS_ROWS_MAX] = { { 0 } };
	int got;

	make_long(usage->rows, longs);
	opterr = 0;
	optind = 1;
	*status = 2;
	while ((got = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (got == 'h') {
			help(usage);
			*status = 0;
			return false;
		}
		if (got == 'C') {
			verb_set_dir(optarg);
		} else if (got == ':' || got == '?') {
			opts_wrong(usage, "%s %s", got == ':' ? "no value for" : "unknown option",
				argv[optind - 1]);
			return false;
		} else if (!keep(&usage->rows[got - 256], optarg)) {
			opts_wrong(usage, "--%s stands more than %d times",
				usage->rows[got - 256].name, OPTS_LIST_MAX);
			return false;
		}
	}
	*first = optind;
	if (argc - optind < usage->operands_min) {
		opts_wrong(usage, "something is missing, the form is: %s", usage->synopsis);
		return false;
	}
	if (argc - optind > usage->operands_max) {
		opts_wrong(usage, "too much: '%s'", argv[optind + usage->operands_max]);
		return false;
	}
	*status = 0;
	return true;
}

void opts_trim_slashes(char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		path[--len] = 0;
}

bool opts_number(const char *text, uint64_t most, uint64_t *number)
{
	size_t len = strlen(text);

	if (len < 1 || len > 18 || strspn(text, "0123456789") != len)
		return false;
	*number = strtoull(text, NULL, 10);
	return *number <= most;
}
