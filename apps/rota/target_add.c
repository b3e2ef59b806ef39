/* SPDX-License-Identifier: Apache-2.0 */
/* rota target add: files that a role lists without a release.json, one or a million at once. */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/bar.h"
#include "host/repo/bulk.h"
#include "host/sign/duty.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A few are enough to see which upload did not happen. */
#define ABSENT_SAID 5

static const char *role = "releases", *from_list;
static bool json;

static const struct opts_row rows[] = {
	{ "role", "ROLE", "who lists them (default: releases)", OPTS_TEXT, &role },
	{ "from-list", "FILE",
		"lines PATH<tab>FILE, or PATH<tab>LENGTH<tab>SHA256 for what is uploaded otherwise",
		OPTS_TEXT, &from_list },
	{ "json", NULL, "print what was done as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota target add [OPTION]... [PATH=FILE]...",
	.text = "Copies files into the repository and has a role list them under their target "
		"paths, which\n"
		"must be paths of the role. What is listed already is never changed; the same "
		"again "
		"is no\n"
		"error, so a run that was cut off is repeated. It counts after `rota publish`. For "
		"very many\n"
		"targets let the role have bins first: rota repo bins.",
	.examples = "  rota target add releases/sensor/2.0.0/manual.pdf=manual.pdf\n"
		    "  rota target add --role ci --from-list nightly.tsv",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 4096,
};

static enum rota_err fill(struct session *s, int count, char **operand, struct rota_shelf *shelf)
{
	struct rota_bar bar;
	enum rota_err err;

	for (int i = 0; i < count; i++) {
		char *equals = strchr(operand[i], '=');
		char *path = rota_text("%.*s", (int)(equals - operand[i]), operand[i]);

		err = rota_bulk_file(&s->dir, path, equals + 1, shelf, &s->why);
		free(path);
		ROTA_TRY(err);
	}
	if (!from_list)
		return ROTA_OK;
	rota_bar_begin(&bar, stderr, "copying");
	err = rota_bulk_list(&s->dir, from_list, &bar.port, shelf, &s->why);
	rota_bar_end(&bar);
	return err;
}

/* Places of the first ABSENT_SAID targets whose bytes are not here, below the repository; *count: of all. */
static json_t *absent(
	const struct rota_authdir *dir, const struct rota_shelf *shelf, unsigned long long *count)
{
	json_t *first = json_array();
	char place[ROTA_FILE_PATH_MAX];
	const char *path;

	*count = 0;
	for (size_t i = 0; i < shelf->count; i++) {
		if (!shelf->at[i].absent)
			continue;
		if (++*count > ABSENT_SAID)
			continue;
		path = rota_shelf_path(shelf, i);
		rota_store_target_path(dir, path, shelf->at[i].is.sha256, place);
		/* a place that is too long for a name is none */
		json_array_append_new(first,
			json_string(place[0] ? place + strlen(rota_authdir_targets(dir, path)) + 1
					     : path));
	}
	return first;
}

static void say_absent(unsigned long long count, const json_t *first)
{
	const json_t *place;
	size_t i;

	if (count == 0)
		return;
	printf("note: of %llu targets the bytes are not in the repository, or of another length; "
	       "no device gets them until they lie here or wherever devices fetch them:\n",
		count);
	json_array_foreach((json_t *)(uintptr_t)first, i, place)
		printf("  %s\n", json_string_value(place));
	if (count > ABSENT_SAID)
		printf("  and %llu more\n", count - ABSENT_SAID);
}

static void report(const struct rota_authdir *dir, const struct rota_shelf *shelf,
	const struct rota_bulk_done *done)
{
	unsigned long long added = done->added, known = done->known, files = done->files,
			   version = done->version, lacking;
	json_t *first = absent(dir, shelf, &lacking);

	if (json) {
		printf("{\"absent\":%llu,\"absent_first\":", lacking);
		json_dumpf(first, stdout, JSON_COMPACT);
		printf(",\"added\":%llu,\"files\":%llu,\"known\":%llu,\"role\":\"%s\","
		       "\"version\":%llu}\n",
			added, files, known, role, version);
	} else {
		printf("role %s: %llu targets added, %llu were listed already, %llu files signed\n"
		       "  they count after: rota publish\n",
			role, added, known, files);
		say_absent(lacking, first);
	}
	json_decref(first);
}

static int check(int count, char **operand)
{
	const struct rota_duty *duty = rota_duty_find(role);

	if (!duty || !duty->paths)
		return opts_wrong(&usage, "--role %s is no role that lists targets", role);
	if (count == 0 && !from_list)
		return opts_wrong(&usage, "PATH=FILE or --from-list FILE is needed");
	for (int i = 0; i < count; i++)
		if (!strchr(operand[i], '='))
			return opts_wrong(&usage, "'%s' is not PATH=FILE", operand[i]);
	return 0;
}

int verb_target_add(int argc, char **argv)
{
	struct rota_shelf shelf = { 0 };
	struct rota_bulk_done done;
	struct rota_bar bar;
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	status = check(argc - at, argv + at);
	if (status)
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	err = fill(&s, argc - at, argv + at, &shelf);
	rota_bar_begin(&bar, stderr, "signing");
	if (err == ROTA_OK)
		err = rota_bulk_add(&s.desk, role, &shelf, &bar.port, &done, &s.why);
	rota_bar_end(&bar);
	if (err == ROTA_OK)
		report(&s.dir, &shelf, &done);
	rota_shelf_free(&shelf);
	return session_close(&s, err);
}
