/* SPDX-License-Identifier: Apache-2.0 */
/* rota repo verify: is all that stands in the repository what was signed? */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/bar.h"
#include "host/base/when.h"
#include "host/repo/verify.h"

#include <stdio.h>

static bool json, quiet, verbose, metadata;
static const char *root, *repo;

static const struct opts_row rows[] = {
	{ "root", "FILE", "root to trust, as a device's trust/root.json (default: the first one)",
		OPTS_TEXT, &root },
	{ "repo", "DIR", "repository to look at (default: rota.ini's)", OPTS_TEXT, &repo },
	{ "metadata", NULL, "metadata only: do not read the targets", OPTS_FLAG, &metadata },
	{ "verbose", NULL, "every file and target, not only what is wrong", OPTS_FLAG, &verbose },
	{ "quiet", NULL, "only what is wrong, and no sums", OPTS_FLAG, &quiet },
	{ "json", NULL, "as JSON: every file and target, and the sums", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota repo verify [OPTION]...",
	.text = "Walks the repository as a client does and checks every signature, threshold, "
		"version,\n"
		"length, digest and expiry, and every target file. Says what is wrong, and sums by "
		"role.\n"
		"Needs no token. Memory stays small for any number of targets.",
	.examples = "  rota repo verify\n"
		    "  rota repo verify --metadata --json\n"
		    "  rota repo verify --verbose | grep lamp\n"
		    "  rota repo verify --repo /var/www/repo --root device/trust/root.json --quiet",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

/* Where findings and sums go. */
struct output {
	struct rota_bar bar;
	bool begun; /* the JSON list */
	json_t *roles; /* sums, to stand behind it */
};

/* A line for each, or an element of the list "findings", at once: there may be millions. */
static void say(void *ctx, bool good, const char *text)
{
	struct output *out = ctx;
	json_t *one;

	if (good && (quiet || !(verbose || json)))
		return;
	rota_bar_end(&out->bar);
	if (!json) {
		printf("%-6s %s\n", good ? "ok" : "wrong", text);
		return;
	}
	one = json_pack("{s:b,s:s}", "good", (int)good, "text", text);
	printf("%s\n", out->begun ? "," : "{\"findings\":[");
	json_dumpf(one, stdout, JSON_SORT_KEYS);
	json_decref(one);
	out->begun = true;
}

static void put_sum(const struct rota_verify_sum *sum)
{
	printf("%-6s %s: %llu file%s", sum->bad ? "wrong" : "ok", sum->role,
		(unsigned long long)sum->files, sum->files == 1 ? "" : "s");
	if (sum->targets)
		printf(", %llu target%s of %llu bytes%s", (unsigned long long)sum->targets,
			sum->targets == 1 ? "" : "s", (unsigned long long)sum->bytes,
			metadata ? ", which were not read" : "");
	if (sum->bad)
		printf(", %llu wrong", (unsigned long long)sum->bad);
	putchar('\n');
}

static void on_sum(void *ctx, const struct rota_verify_sum *sum)
{
	struct output *out = ctx;

	if (json) {
		json_array_append_new(out->roles,
			json_pack("{s:I,s:I,s:I,s:s,s:I}", "bad", (json_int_t)sum->bad, "bytes",
				(json_int_t)sum->bytes, "files", (json_int_t)sum->files, "role",
				sum->role, "targets", (json_int_t)sum->targets));
	} else if (!quiet) {
		rota_bar_end(&out->bar);
		put_sum(sum);
	}
}

static void report(const struct rota_verify_result *r, const struct output *out)
{
	unsigned long long good = r->good, bad = r->bad, targets = r->targets, strays = r->strays,
			   bytes = r->stray_bytes;

	if (json) {
		printf("%s],\"bad\":%llu,\"good\":%llu,\"roles\":",
			out->begun ? "" : "{\"findings\":[", bad, good);
		json_dumpf(out->roles, stdout, JSON_SORT_KEYS);
		printf(",\"targets\":%llu,\"unreachable\":%llu,\"unreachable_bytes\":%llu}\n",
			targets, strays, bytes);
		return;
	}
	if (strays && !quiet)
		printf("note   %llu files, %llu bytes, are not reached any more; rota repo gc "
		       "removes what has been so for long\n",
			strays, bytes);
	if (!quiet || bad)
		printf("%llu checked, %llu wrong\n", good + bad, bad);
}

/* *result: of a walk that came to its end. */
static enum rota_err run(struct session *s, struct output *out, struct rota_verify_result *result)
{
	const struct rota_verify_sink sink = { .ctx = out, .say = say, .sum = on_sum };
	const struct rota_verify_plan plan = { .repo = repo ? repo : s->dir.repo,
		.staging = repo ? NULL : s->dir.staging,
		.anchor = root,
		.now = rota_when_now(),
		.metadata_only = metadata,
		.progress = &out->bar.port };
	enum rota_err err;

	rota_bar_begin(&out->bar, quiet ? NULL : stderr, "verifying");
	err = rota_repo_verify(&plan, &sink, result, &s->why);
	rota_bar_end(&out->bar);
	if (err == ROTA_OK || out->begun)
		report(result, out);
	return err;
}

int verb_repo_verify(int argc, char **argv)
{
	struct rota_verify_result result;
	struct output out = { .roles = NULL };
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (quiet && verbose)
		return opts_wrong(&usage, "--quiet and --verbose do not go together");
	if (!repo && session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	out.roles = json_array();
	err = run(&s, &out, &result);
	json_decref(out.roles);
	status = err == ROTA_OK ? 0 : say_fail(&s.why);
	if (!repo)
		session_close(&s, ROTA_OK);
	return status ? status : result.bad != 0;
}
