/* SPDX-License-Identifier: Apache-2.0 */
/* rota repo bins: hand the targets of a role to hash bins, or sign them all anew. */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/bar.h"
#include "host/repo/bins.h"
#include "host/repo/rebin.h"

#include <stdio.h>
#include <string.h>

static bool resign, json;

static const struct opts_row rows[] = {
	{ "resign", NULL, "sign all that the role lists anew, in as many bins as there are",
		OPTS_FLAG, &resign },
	{ "json", NULL, "print what was done as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota repo bins [OPTION]... ROLE [BITS]",
	.text = "Hands the targets of ROLE (releases or ci) to 2^BITS hash bins, so that adding "
		"one target\n"
		"writes one small file however many there are. Without BITS as many as suit what "
		"the role\n"
		"lists now (none below 4,000 targets; before the first ones come: 9 for 200,000, "
		"10 for\n"
		"a million); 0 takes them back into one file. The role's people sign every bin; "
		"nothing\n"
		"changes for devices before `rota publish`.",
	.examples = "  rota repo bins releases\n"
		    "  rota repo bins ci 8\n"
		    "  rota repo bins --resign releases",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 2,
};

static void report(const char *role, bool advised, const struct rota_rebin_done *done)
{
	unsigned long long version = done->version, targets = done->targets;

	if (json)
		printf("{\"bins\":%u,\"bits\":%u,\"role\":\"%s\",\"targets\":%llu,\"version\":%llu}"
		       "\n",
			done->bits ? 1u << done->bits : 0, done->bits, role, targets, version);
	else if (done->bits)
		printf("role %s: %llu targets in %u bins, version %llu\n"
		       "  it counts after: rota publish\n",
			role, targets, 1u << done->bits, version);
	else
		printf("role %s: %llu targets in one file, version %llu%s\n"
		       "  it counts after: rota publish\n",
			role, targets, version,
			advised ? "; where many are to come, say how many bins" : "");
}

static int plan_of(int count, char **operand, struct rota_rebin_plan *plan)
{
	uint64_t bits = 0;

	if (resign && count == 2)
		return opts_wrong(&usage, "--resign leaves the bins as many as they are");
	if (count == 2 && !opts_number(operand[1], ROTA_BINS_BITS_MAX, &bits))
		return opts_wrong(&usage, "BITS is 0 to %d", ROTA_BINS_BITS_MAX);
	*plan = (struct rota_rebin_plan){ .role = operand[0],
		.keep = resign,
		.advised = !resign && count == 1,
		.bits = (unsigned)bits };
	return 0;
}

int verb_repo_bins(int argc, char **argv)
{
	struct rota_rebin_done done;
	struct rota_rebin_plan plan;
	struct rota_bar bar;
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	status = plan_of(argc - at, argv + at, &plan);
	if (status)
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	rota_bar_begin(&bar, stderr, "signing bins");
	plan.progress = &bar.port;
	err = rota_rebin(&s.desk, &plan, &done, &s.why);
	rota_bar_end(&bar);
	if (err == ROTA_OK)
		report(plan.role, plan.advised, &done);
	return session_close(&s, err);
}
