/* SPDX-License-Identifier: Apache-2.0 */
/* rota repo gc: remove what no reader can still ask for. */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/repo/gc.h"

#include <jansson.h>
#include <stdio.h>

static const char *grace = "30d";
static bool dry_run, json;

static const struct opts_row rows[] = {
	{ "grace", "TIME", "how long a slow reader may take, and an upload (default: 30d)",
		OPTS_TEXT, &grace },
	{ "dry-run", NULL, "say what would go, and remove nothing", OPTS_FLAG, &dry_run },
	{ "json", NULL, "as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota repo gc [OPTION]...",
	.text = "Removes metadata and targets that neither the current snapshot reaches nor one "
		"that had not\n"
		"expired within the grace time. Roots and recovery orders always stay, and so does "
		"what is\n"
		"staged, and what is younger than the grace time. Never runs beside a publish.",
	.examples = "  rota repo gc --dry-run\n  rota repo gc --grace 7d --json",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

/* One file: a line, or an element of the list "files". */
static void say(void *ctx, const struct rota_stray *file)
{
	bool *first = ctx;
	json_t *one;

	if (!json) {
		printf("%s %s, %llu bytes\n", dry_run ? "would remove" : "removed", file->name,
			(unsigned long long)file->bytes);
		return;
	}
	one = json_pack("{s:I,s:s}", "bytes", (json_int_t)file->bytes, "file", file->name);
	printf("%s\n", *first ? "" : ",");
	json_dumpf(one, stdout, JSON_SORT_KEYS);
	json_decref(one);
	*first = false;
}

static void report(const struct rota_gc_done *done, enum rota_err err)
{
	unsigned long long bytes = done->bytes, metadata = done->metadata, targets = done->targets,
			   snapshots = done->snapshots;

	if (json)
		printf("],\"bytes\":%llu,\"metadata\":%llu,\"removed\":%s,\"snapshots\":%llu,"
		       "\"targets\":%llu}\n",
			bytes, metadata, dry_run ? "false" : "true", snapshots, targets);
	else if (err == ROTA_OK)
		printf("%llu metadata files and %llu targets%s, %llu bytes; %llu snapshots "
		       "still count\n",
			metadata, targets, dry_run ? " would go" : "", bytes, snapshots);
}

int verb_repo_gc(int argc, char **argv)
{
	bool first = true;
	struct rota_gc_plan plan = { .ctx = &first, .gone = say };
	struct rota_gc_done done;
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (!rota_duration_parse(grace, &plan.grace_s))
		return opts_wrong(&usage, "--grace %s is no time (90s, 10m, 2h, 30d)", grace);
	plan.dry_run = dry_run;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	plan.now = s.desk.now;
	if (json)
		printf("{\"files\":[");
	err = rota_gc(&s.dir, &plan, &done, &s.why);
	report(&done, err);
	return session_close(&s, err);
}
