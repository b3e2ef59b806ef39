/* SPDX-License-Identifier: Apache-2.0 */
/* rota series make: online keys for the next weeks, and the roots that name them. */
#include "apps/rota/opts.h"
#include "apps/rota/series.h"
#include "apps/rota/session.h"
#include "apps/rota/slots.h"
#include "apps/rota/verb.h"
#include "host/base/bar.h"
#include "host/base/when.h"
#include "host/repo/ahead.h"
#include "host/repo/chain.h"
#include "host/series/link.h"

#include <stdio.h>
#include <unistd.h>

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

static const struct opts_usage usage = {
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

static int parse_plan(struct rota_series_plan *plan)
{
	uint64_t count;

	if (!opts_number(slots, ROTA_SERIES_MAX - 1, &count) || count < 1)
		return opts_wrong(
			&usage, "--slots %s is no number from 1 to %d", slots, ROTA_SERIES_MAX - 1);
	if (!rota_duration_parse(period, &plan->period_s))
		return opts_wrong(&usage, "--period %s is no time like 6h", period);
	if (!rota_duration_parse(landing, &plan->landing_s))
		return opts_wrong(&usage, "--landing %s is no time like 90d", landing);
	if (from && !rota_when_parse(from, &plan->from_s))
		return opts_wrong(&usage, "--from %s is no time like 2027-01-15T08:00:00Z", from);
	plan->slots = (unsigned)count;
	return 0;
}

/* Where nothing was said: with the landing root, or when devices have had an hour of both keys. */
static void choose_from(const json_t *before, struct rota_series_plan *plan)
{
	const char *due = json_string_value(json_object_get(before, "x-rota-not-before"));
	uint64_t at = 0;

	if (plan->from_s)
		return;
	if (rota_root_lands(before) && due && rota_when_parse(due, &at) && at > plan->issued_s)
		plan->from_s = at;
	else
		plan->from_s = plan->issued_s + ROTA_OVERLAP_S;
}

static enum rota_err make_pairs(struct session *s, int keeper, const struct rota_series_plan *plan,
	uint64_t first, struct rota_series_pair *pairs)
{
	enum rota_err err = ROTA_OK;
	struct rota_bar bar;

	rota_bar_begin(&bar, stderr, "keys");
	for (unsigned i = 0; err == ROTA_OK && i <= plan->slots; i++) {
		const struct rota_timeslot slot = { .version = first + i,
			.from_s = plan->from_s + i * plan->period_s };

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

static enum rota_err make(struct session *s, json_t **before, struct rota_series_plan *plan)
{
	static struct rota_series_pair pairs[ROTA_SERIES_MAX];
	const struct rota_party *root = rota_authdir_party(&s->dir, "root");
	json_t *roots = NULL;
	enum rota_err err;

	choose_from(*before, plan);
	ROTA_TRY(make_keys(s, plan, rota_chain_version(*before) + 1, pairs));
	err = rota_series_make(*before, plan, pairs, &roots, &s->why);
	if (err == ROTA_OK)
		err = rota_series_judge(*before, roots, root->lifetime_s, s->desk.now, &s->why);
	if (err == ROTA_OK)
		err = show(s, *before, roots);
	if (err == ROTA_OK)
		err = session_confirm(s, yes, "Sign these?");
	if (err == ROTA_OK)
		err = series_sign(s, before, roots);
	if (err == ROTA_OK)
		err = slots_note(s, roots, ROTA_KEY_MADE);
	if (err == ROTA_OK)
		err = slots_tend(s);
	json_decref(roots);
	return err;
}

int verb_series_make(int argc, char **argv)
{
	struct rota_series_plan plan = { 0 };
	struct session s;
	json_t *before;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	status = parse_plan(&plan);
	if (status)
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	plan.issued_s = s.desk.now;
	err = rota_ahead_newest(&s.dir, &before, &s.why);
	if (err == ROTA_OK) {
		err = make(&s, &before, &plan);
		json_decref(before);
	}
	return session_close(&s, err);
}
