/* SPDX-License-Identifier: Apache-2.0 */
/* rota repo verify: is all that stands in the repository what was signed? */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/repo/verify.h"

#include <stdio.h>

static bool json, quiet;
static const char *root, *repo;

static const struct opts_row rows[] = {
	{ "root", "FILE", "root to trust, as a device's trust/root.json (default: the first one)",
		OPTS_TEXT, &root },
	{ "repo", "DIR", "repository to look at (default: rota.ini's)", OPTS_TEXT, &repo },
	{ "quiet", NULL, "only what is wrong", OPTS_FLAG, &quiet },
	{ "json", NULL, "as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota repo verify [OPTION]...",
	.text = "Walks the repository as a client does and checks every signature, threshold, "
		"version,\n"
		"length, digest and expiry, and every target file. Needs no token.",
	.examples = "  rota repo verify\n"
		    "  rota repo verify --repo /var/www/repo --root device/trust/root.json --quiet",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

static void say(void *ctx, bool good, const char *text)
{
	json_t *list = ctx;

	if (quiet && good)
		return;
	if (json)
		json_array_append_new(
			list, json_pack("{s:b,s:s}", "good", (int)good, "text", text));
	else
		printf("%-6s %s\n", good ? "ok" : "wrong", text);
}

static void report(const struct rota_verify_result *result, json_t *list)
{
	json_t *whole;

	if (quiet && !json && result->bad == 0)
		return;
	if (!json) {
		printf("%u checked, %u wrong\n", result->good + result->bad, result->bad);
		return;
	}
	whole = json_pack("{s:I,s:O,s:I}", "bad", (json_int_t)result->bad, "findings", list, "good",
		(json_int_t)result->good);
	json_dumpf(whole, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
	printf("\n");
	json_decref(whole);
}

int verb_repo_verify(int argc, char **argv)
{
	struct rota_verify_result result;
	struct rota_verify_sink sink = { .say = say };
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (!repo && session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	sink.ctx = json_array();
	err = rota_repo_verify(
		repo ? repo : s.dir.repo, root, rota_when_now(), &sink, &result, &s.why);
	if (err == ROTA_OK)
		report(&result, sink.ctx);
	json_decref(sink.ctx);
	status = err == ROTA_OK ? 0 : say_fail(&s.why);
	if (!repo)
		session_close(&s, ROTA_OK);
	return status ? status : result.bad != 0;
}
