/* SPDX-License-Identifier: Apache-2.0 */
/* rota series make, prepare: online keys for the next weeks, and the roots that name them. */
#include "apps/rota/opts.h"
#include "apps/rota/series.h"
#include "apps/rota/session.h"
#include "apps/rota/slots.h"
#include "apps/rota/verb.h"
#include "host/base/bar.h"
#include "host/base/when.h"
#include "host/repo/ahead.h"
#include "host/ceremony/fingerprint.h"
#include "host/repo/chain.h"
#include "host/repo/seriesfile.h"
#include "host/series/link.h"

#include <stdio.h>
#include <unistd.h>

/* People have to come together first. */
#define PREPARE_S 86400

static const char *slots = "120", *period = "6h", *landing = "90d", *from;
static bool yes, json;

static const struct opts_row rows[] = {
	{ "slots", "N", "how many, 1 to 399 (default: 120)", OPTS_TEXT, &slots },
	{ "period", "TIME", "how long a slot is, 2h to 30d (default: 6h)", OPTS_TEXT, &period },
	{ "landing", "TIME", "how long the landing root lives, 2h to 90d (default: 90d)", OPTS_TEXT,
		&landing },
	{ "from", "WHEN",
		"when the first slot begins, as 2027-01-15T08:00:00Z (default: when the landing "
		"root of the series before is due, else in an hour)",
		OPTS_TEXT, &from },
	{ "yes", NULL, "do not ask", OPTS_FLAG, &yes },
	{ "json", NULL, "print the roots as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage make_usage = {
	.synopsis = "rota series make [OPTION]...",
	.text = "Makes a pair of online keys for each slot, and the roots that name them; shows "
		"them, asks, and\n"
		"signs them with the tokens of root. From then on `rota publish`, run at least "
		"once an hour, goes from\n"
		"slot to slot: it signs with the keys whose turn it is, publishes each root when "
		"it begins, and\n"
		"destroys the keys of a slot an hour after its end. Sign the next series before "
		"the landing root\n"
		"is due.",
	.examples = "  rota series make\n"
		    "  rota series make --slots 30 --period 24h --yes",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

static const struct opts_row prepare_rows[] = {
	{ "slots", "N", "how many, 1 to 399 (default: 120)", OPTS_TEXT, &slots },
	{ "period", "TIME", "how long a slot is, 2h to 30d (default: 6h)", OPTS_TEXT, &period },
	{ "landing", "TIME", "how long the landing root lives, 2h to 90d (default: 90d)", OPTS_TEXT,
		&landing },
	{ "from", "WHEN",
		"when the first slot begins, as 2027-01-15T08:00:00Z (default: when the landing "
		"root of the series before is due, else in a day)",
		OPTS_TEXT, &from },
	{ "json", NULL, "print the roots as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage prepare_usage = {
	.synopsis = "rota series prepare [OPTION]... FILE",
	.text = "As rota series make, for people who keep the tokens of root elsewhere: makes keys "
		"and roots, and\n"
		"writes the roots into FILE. There: rota series sign; here afterwards: rota series "
		"finish.",
	.examples = "  rota series prepare /media/stick/series\n"
		    "  rota series prepare --slots 30 --period 24h /media/stick/series",
	.rows = prepare_rows,
	.operands_min = 1,
	.operands_max = 1,
};

static int parse_plan(const struct opts_usage *usage, struct rota_series_plan *plan)
{
	uint64_t count;

	if (!opts_number(slots, ROTA_SERIES_MAX - 1, &count) || count < 1)
		return opts_wrong(
			usage, "--slots %s is no number from 1 to %d", slots, ROTA_SERIES_MAX - 1);
	if (!rota_duration_parse(period, &plan->period_s))
		return opts_wrong(usage, "--period %s is no time like 6h", period);
	if (!rota_duration_parse(landing, &plan->landing_s))
		return opts_wrong(usage, "--landing %s is no time like 90d", landing);
	if (from && !rota_when_parse(from, &plan->from_s))
		return opts_wrong(usage, "--from %s is no time like 2027-01-15T08:00:00Z", from);
	plan->slots = (unsigned)count;
	return 0;
}

/* Where nothing was said: with the landing root, or after so long. */
static void choose_from(const json_t *before, uint64_t in_s, struct rota_series_plan *plan)
{
	const char *due = json_string_value(json_object_get(before, "x-rota-not-before"));
	uint64_t at = 0;

	if (plan->from_s)
		return;
	if (rota_root_lands(before) && due && rota_when_parse(due, &at) && at > plan->issued_s)
		plan->from_s = at;
	else
		plan->from_s = plan->issued_s + in_s;
}

static enum rota_err make_pairs(struct session *s, int keeper, const struct rota_series_plan *plan,
	uint64_t first, struct rota_series_pair *pairs)
{
	enum rota_err err = ROTA_OK;
	struct rota_bar bar;

	rota_bar_begin(&bar, stderr, "keys");
	for (unsigned i = 0; err == ROTA_OK && i <= plan->slots; i++) {
		const struct rota_timeslot slot = { .version = first + i,
			.from_s = plan->from_s + i * plan->period_s,
			.end_s = plan->from_s + (i + 1) * plan->period_s };

		err = slots_make(&s->dir, keeper, &slot, i == plan->slots, &pairs[i], &s->why);
		bar.port.step(&bar, i + 1, plan->slots + 1);
	}
	rota_bar_end(&bar);
	return err;
}

/* With the keeper, if there is one. */
static enum rota_err make_keys(struct session *s, const struct rota_series_plan *plan,
	uint64_t first, struct rota_series_pair *pairs)
{
	enum rota_err err;
	int keeper = -1;

	if (s->dir.keeper)
		ROTA_TRY(rota_link_open(s->dir.keeper, &keeper, &s->why));
	err = make_pairs(s, keeper, plan, first, pairs);
	if (keeper >= 0)
		close(keeper);
	return err;
}

static enum rota_err show(struct session *s, const json_t *before, const json_t *roots)
{
	struct rota_bytes text;

	if (json) {
		json_dumpf(roots, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
	} else {
		ROTA_TRY(rota_series_show(before, roots, &text, &s->why));
		fwrite(text.p, 1, text.len, stdout);
		rota_bytes_free(&text);
	}
	fflush(stdout);
	return ROTA_OK;
}

/* Keys, and the roots that name them; for a person to read. */
static enum rota_err make_roots(struct session *s, const json_t *before,
	const struct rota_series_plan *plan, json_t **roots)
{
	static struct rota_series_pair pairs[ROTA_SERIES_MAX];
	const struct rota_party *root = rota_authdir_party(&s->dir, "root");
	enum rota_err err;

	ROTA_TRY(make_keys(s, plan, rota_chain_version(before) + 1, pairs));
	ROTA_TRY(rota_series_make(before, plan, pairs, roots, &s->why));
	err = rota_series_judge(before, *roots, root->lifetime_s, s->desk.now, &s->why);
	if (err == ROTA_OK)
		err = show(s, before, *roots);
	if (err != ROTA_OK)
		json_decref(*roots);
	return err;
}

enum rota_err series_finish(struct session *s, const json_t *roots)
{
	char fingerprint[ROTA_FINGERPRINT_LEN];
	size_t count = json_array_size(roots);

	ROTA_TRY(rota_fingerprint_series(roots, fingerprint, &s->why));
	ROTA_TRY(series_record(s,
		json_pack("{s:s,s:s,s:I,s:I}", "did", "signed", "fingerprint", fingerprint, "first",
			(json_int_t)rota_chain_version(json_array_get(roots, 0)), "last",
			(json_int_t)rota_chain_version(json_array_get(roots, count - 1)))));
	ROTA_TRY(slots_note(s, roots, ROTA_KEY_MADE));
	return slots_tend(s);
}

static enum rota_err make(struct session *s, json_t **before, struct rota_series_plan *plan)
{
	json_t *roots;
	enum rota_err err;

	choose_from(*before, ROTA_OVERLAP_S, plan); /* devices have had an hour of both keys */
	ROTA_TRY(make_roots(s, *before, plan, &roots));
	err = session_confirm(s, yes, "Sign these?");
	if (err == ROTA_OK)
		err = series_sign(s, before, roots);
	if (err == ROTA_OK)
		err = series_finish(s, roots);
	json_decref(roots);
	return err;
}

static enum rota_err prepare(
	struct session *s, const json_t *before, struct rota_series_plan *plan, const char *path)
{
	char fingerprint[ROTA_FINGERPRINT_LEN];
	struct rota_seriesfile file;
	json_t *roots;
	enum rota_err err;

	choose_from(before, PREPARE_S, plan);
	ROTA_TRY(make_roots(s, before, plan, &roots));
	err = rota_seriesfile_make(&s->dir, roots, &file, &s->why);
	if (err == ROTA_OK)
		err = rota_seriesfile_save(&file, path, &s->why);
	rota_seriesfile_free(&file);
	if (err == ROTA_OK)
		err = rota_fingerprint_series(roots, fingerprint, &s->why);
	json_decref(roots);
	ROTA_TRY(err);
	fprintf(stderr,
		"rota: fingerprint %s\nrota: %s: read the fingerprint to each signer; there: rota "
		"series sign, here afterwards: rota series finish\n",
		fingerprint, path);
	return ROTA_OK;
}

static int run(const struct opts_usage *usage, int argc, char **argv, bool only_prepare)
{
	struct rota_series_plan plan = { 0 };
	struct session s;
	json_t *before;
	enum rota_err err;
	int at, status;

	if (!opts_parse(usage, argc, argv, &at, &status))
		return status;
	status = parse_plan(usage, &plan);
	if (status)
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	plan.issued_s = s.desk.now;
	err = rota_ahead_newest(&s.dir, &before, &s.why);
	if (err == ROTA_OK) {
		err = only_prepare ? prepare(&s, before, &plan, argv[at])
				   : make(&s, &before, &plan);
		json_decref(before);
	}
	return session_close(&s, err);
}

int verb_series_make(int argc, char **argv)
{
	return run(&make_usage, argc, argv, false);
}

int verb_series_prepare(int argc, char **argv)
{
	return run(&prepare_usage, argc, argv, true);
}
