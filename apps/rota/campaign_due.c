/* SPDX-License-Identifier: Apache-2.0 */
/* rota campaign due: what the calendar says, and what devices ask for. */
#include "apps/rota/campaign_due.h"
#include "apps/rota/opts.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"

#include <stdio.h>
#include <string.h>

#define EXIT_DUE 3 /* as rota-campaign(1) says, for timers */

static bool json;

static const struct opts_row rows[] = {
	{ "json", NULL, "print all of it as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota campaign due [--json]",
	.text = "Says of each purpose how old its data key is, when the next campaign is to begin, "
		"and when the\n"
		"key's period ends: [rotation] of rota.ini. A device that has nearly used up its "
		"key makes one due at\n"
		"once. Exit status 3: something is due; `rota campaign new --due` asks for it.",
	.examples = "  rota campaign due || rota campaign new --due",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

/* ---- who wants another key ---- */

struct wanting {
	uint32_t generation; /* who uses an older one has the next on its way */
	uint64_t count;
};

static enum rota_err count_wanting(void *to, const struct rota_reg_line *line)
{
	const struct rota_holding *held = &line->holding.held;
	struct wanting *w = to;

	if (line->known && (line->state == ROTA_REG_ENROLLED || line->state == ROTA_REG_ACTIVE) &&
		(held->records & ROTA_HOLDING_RENEW) != 0 && held->active >= w->generation)
		w->count++;
	return ROTA_OK;
}

/* ---- a row ---- */

static enum rota_err set_facts(struct session *s, const struct campaign_book *book,
	const struct campaign_fleet *fleet, struct campaign_due_row *r)
{
	const char *word = rota_purpose_word(r->purpose);
	const struct campaign *newest = campaign_newest(book, r->purpose);
	struct wanting wanting = { .generation = 0 };
	struct rota_keydue_facts *f = &r->facts;

	*f = (struct rota_keydue_facts){ .now_s = s->desk.now,
		.wished = rota_ini_get(&s->dir.ini, "rotation", word) != NULL,
		.coming = campaign_coming(book, r->purpose, s->desk.now) != NULL };
	ROTA_TRY(campaign_setting(s, word, ROTA_PERIOD_LEAST_S, ROTA_PERIOD_MOST_S,
		rota_period_of(r->purpose), &f->period_s));
	ROTA_TRY(campaign_setting(s, "lead", 0, ROTA_AHEAD_MOST_S, ROTA_LEAD_S, &f->lead_s));
	r->cipher = 1;
	if (newest) {
		r->generation = wanting.generation = newest->request.campaign.generation;
		r->cipher = newest->request.campaign.cipher;
		f->activation_s = newest->request.campaign.activation_s;
	}
	ROTA_TRY(fleet->reg.lines(fleet->reg.ctx, r->purpose, count_wanting, &wanting, &s->why));
	f->wanting = wanting.count;
	return ROTA_OK;
}

static void set_reason(struct campaign_due_row *r)
{
	if (r->verdict.due == ROTA_KEYDUE_WANTED)
		snprintf(r->reason, sizeof(r->reason), "%llu devices have nearly used up their key",
			(unsigned long long)r->facts.wanting);
	else if (r->generation)
		snprintf(r->reason, sizeof(r->reason),
			"the calendar: generation %u is used for %llu days",
			(unsigned)r->generation, (unsigned long long)(r->facts.period_s / 86400));
	else
		snprintf(r->reason, sizeof(r->reason), "the calendar: the first one");
}

enum rota_err campaign_due(
	struct session *s, struct campaign_due_row row[static ROTA_PURPOSES_MAX], size_t *count)
{
	const char *devices = rota_ini_get(&s->dir.ini, "rotation", "devices");
	struct campaign_fleet fleet;
	struct campaign_book book;
	enum rota_err err;

	*count = 0;
	ROTA_TRY(campaign_fleet_open(s, &fleet));
	err = campaign_book_open(s, &book);
	for (uint8_t p = 1; p <= ROTA_PURPOSES_MAX && err == ROTA_OK; p++) {
		struct campaign_due_row *r = &row[*count];

		if (!rota_purpose_word(p))
			continue;
		*r = (struct campaign_due_row){ .purpose = p,
			.devices = devices ? devices : "all" };
		err = set_facts(s, &book, &fleet, r);
		r->verdict = rota_schedule_judge(&r->facts);
		set_reason(r);
		++*count;
	}
	if (err == ROTA_OK || book.at)
		campaign_book_close(&book);
	campaign_fleet_close(&fleet);
	return err;
}

/* ---- saying it ---- */

static json_t *time_or_null(uint64_t at_s)
{
	char text[ROTA_WHEN_LEN];

	if (at_s == 0)
		return json_null();
	rota_when_text(at_s, text);
	return json_string(text);
}

static json_t *object_of(const struct campaign_due_row *r)
{
	return json_pack("{s:o,s:s,s:o,s:o,s:I,s:I,s:s,s:I}", "activation",
		time_or_null(r->facts.activation_s), "due", rota_keydue_word(r->verdict.due),
		"ends", time_or_null(r->verdict.end_s), "from", time_or_null(r->verdict.from_s),
		"generation", (json_int_t)r->generation, "period_s", (json_int_t)r->facts.period_s,
		"purpose", rota_purpose_word(r->purpose), "wanting", (json_int_t)r->facts.wanting);
}

static void say_row(const struct campaign_due_row *r)
{
	char from[ROTA_WHEN_LEN] = "-", end[ROTA_WHEN_LEN] = "-";

	if (r->verdict.end_s) {
		rota_when_text(r->verdict.from_s, from);
		rota_when_text(r->verdict.end_s, end);
	}
	printf("%-10s %-7s generation %-5u next from %-20s ends %-20s",
		rota_purpose_word(r->purpose), rota_keydue_word(r->verdict.due),
		(unsigned)r->generation, from, end);
	if (r->facts.wanting)
		printf(" %llu devices ask for it", (unsigned long long)r->facts.wanting);
	printf("\n");
}

static enum rota_err run(struct session *s, bool *any)
{
	struct campaign_due_row row[ROTA_PURPOSES_MAX];
	json_t *all = json_array();
	size_t count;
	enum rota_err err = campaign_due(s, row, &count);

	for (size_t i = 0; err == ROTA_OK && i < count; i++) {
		*any |= rota_keydue_is(row[i].verdict.due);
		if (json)
			json_array_append_new(all, object_of(&row[i]));
		else
			say_row(&row[i]);
	}
	if (err == ROTA_OK && json) {
		json_dumpf(all, stdout, JSON_COMPACT | JSON_SORT_KEYS);
		printf("\n");
	}
	json_decref(all);
	return err;
}

int verb_campaign_due(int argc, char **argv)
{
	struct session s;
	bool any = false;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	status = session_close(&s, run(&s, &any));
	return status == 0 && any ? EXIT_DUE : status;
}
