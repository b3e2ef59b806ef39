/* SPDX-License-Identifier: Apache-2.0 */
/* rota repo import: signed bundles back into the repository, and published. */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/keys/told.h"
#include "host/repo/bundle_import.h"

#include <stdio.h>
#include <stdlib.h>

static bool json;

static const struct opts_row rows[] = {
	{ "json", NULL, "print what was published as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota repo import [OPTION]... FILE...",
	.text = "Takes a bundle back that `rota repo sign` signed, or several copies of it that "
		"several people\n"
		"signed, merges their signatures, verifies everything from this repository, and "
		"publishes it:\n"
		"the roles, then snapshot and timestamp. Safe to repeat after an interruption.",
	.examples = "  rota repo import /media/stick/release-2\n"
		    "  rota repo import release-2.anna release-2.bert",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 16,
};

static void report(const struct rota_publish_role *roles)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++) {
		if (json)
			json_array_append_new(list,
				json_pack("{s:b,s:s,s:I}", "published", (int)roles[i].published,
					"role", roles[i].name, "version",
					(json_int_t)roles[i].version));
		else if (roles[i].published)
			printf("%-12s version %llu\n", roles[i].name,
				(unsigned long long)roles[i].version);
	}
	if (json) {
		json_dumpf(list, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
	}
	json_decref(list);
}

static enum rota_err run(struct session *s, char **files, size_t count)
{
	struct rota_bundle *copies = calloc(count, sizeof(*copies));
	struct rota_publish_role done[ROTA_DUTY_COUNT];
	enum rota_err err = ROTA_OK;

	if (!copies)
		abort();
	for (size_t i = 0; i < count && err == ROTA_OK; i++)
		err = rota_bundle_load(files[i], &copies[i], &s->why);
	if (err == ROTA_OK)
		err = rota_bundle_import(&s->desk, copies, count, done, &s->why);
	if (err == ROTA_OK)
		err = rota_keys_catch_up(&s->dir, &s->why);
	if (err == ROTA_OK)
		err = rota_keys_tell(&s->dir, &s->notary, &s->why);
	if (err == ROTA_OK)
		report(done);
	for (size_t i = 0; i < count; i++)
		rota_bundle_free(&copies[i]);
	free(copies);
	return err;
}

int verb_repo_import(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s, argv + at, (size_t)(argc - at)));
}
