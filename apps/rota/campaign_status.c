/* SPDX-License-Identifier: Apache-2.0 */
/* rota campaign status: how far one campaign is. */
#include "apps/rota/bundle_show.h"
#include "apps/rota/campaign_progress.h"
#include "apps/rota/opts.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"

#include <stdio.h>
#include <string.h>

#define BAR_LEN 40
#define MS UINT64_C(1000)

static bool json;

static const struct opts_row rows[] = {
	{ "json", NULL, "print it as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota campaign status [--json] ID",
	.text = "Shows a campaign among its devices: how many wait, have the key staged, have "
		"proved it, use it, and\n"
		"hold nothing older; who still needs the key before it; whom it waits for, the "
		"longest unseen first;\n"
		"and when it will end if the others come as those came that did. ID may be cut "
		"to 8 digits.",
	.examples = "  rota campaign status 0f4bc1c0\n"
		    "  rota campaign status --json 0f4bc1c0",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

/* All stages are open from then on; it began when the first one opened. */
static uint64_t expected_end(
	struct session *s, const struct campaign *c, const struct campaign_progress *p)
{
	const struct rota_key_campaign *k = &c->request.campaign;
	uint64_t proved = campaign_proved(p), end;

	if (c->stand != CAMPAIGN_ACTIVE && c->stand != CAMPAIGN_DONE)
		return 0;
	if (p->all && proved == p->all)
		end = p->last_proved_ms / MS;
	else
		end = rota_schedule_end(k->stage[0].from_s, k->stage[k->stage_count - 1].from_s,
			s->desk.now, proved, p->all);
	return end == 0 || end > k->activation_s ? end : k->activation_s;
}

/* ---- for a script ---- */

static json_t *time_or_null(uint64_t at_s)
{
	char text[ROTA_WHEN_LEN];

	if (at_s == 0)
		return json_null();
	rota_when_text(at_s, text);
	return json_string(text);
}

static json_t *slowest(const struct campaign_progress *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->slow_count; i++)
		json_array_append_new(list,
			json_pack("{s:s,s:o,s:s,s:s}", "id", p->slow[i].id, "seen",
				time_or_null(p->slow[i].seen_ms / MS), "serial", p->slow[i].serial,
				"state", rota_reach_word(p->slow[i].reach)));
	return list;
}

static void print_json(const struct campaign *c, const struct campaign_progress *p, uint64_t end_s)
{
	json_t *counts = json_object(), *all;

	for (int i = 0; i < ROTA_REACHES; i++)
		json_object_set_new(counts, rota_reach_word((enum rota_reach)i),
			json_integer((json_int_t)p->reached[i]));
	all = json_pack("{s:o,s:s,s:o,s:I,s:o,s:s,s:I,s:s,s:I,s:I,s:s,s:b,s:o,s:I}", "activation",
		time_or_null(c->request.campaign.activation_s), "campaign", c->id, "counts", counts,
		"devices", (json_int_t)p->all, "ends", time_or_null(end_s), "exported",
		p->exported ? "these" : "fleet", "generation",
		(json_int_t)c->request.campaign.generation, "name", c->request.name, "need",
		(json_int_t)p->need, "silent", (json_int_t)p->silent, "state",
		campaign_stand_word(c->stand), "emergency", c->request.campaign.emergency,
		"slowest", slowest(p), "wanting", (json_int_t)p->wanting);
	json_object_set_new(
		all, "purpose", json_string(rota_purpose_word(c->request.campaign.purpose)));
	json_dumpf(all, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	printf("\n");
	json_decref(all);
}

/* ---- for a person ---- */

static void print_bar(const struct campaign_progress *p)
{
	uint64_t proved = campaign_proved(p);
	size_t full = p->all ? (size_t)(proved * BAR_LEN / p->all) : 0;

	printf("[");
	for (size_t i = 0; i < BAR_LEN; i++)
		putchar(i < full ? '#' : '.');
	printf("] %3u %% of %llu devices%s\n", (unsigned)(p->all ? proved * 100 / p->all : 0),
		(unsigned long long)p->all,
		p->exported ? "" : " of the whole fleet (its export is not here)");
}

static void print_stages(const struct rota_key_campaign *k, uint64_t now_s)
{
	char from[ROTA_WHEN_LEN];

	for (uint8_t i = 0; i < k->stage_count; i++) {
		rota_when_text(k->stage[i].from_s, from);
		printf("  stage %u: %u ppm from %s%s\n", i + 1U, (unsigned)k->stage[i].ppm, from,
			k->stage[i].from_s <= now_s ? ", open" : "");
	}
}

static void print_slow(const struct campaign_progress *p)
{
	char seen[ROTA_WHEN_LEN];

	if (p->slow_count)
		printf("  waits for, the longest unseen first:\n");
	for (size_t i = 0; i < p->slow_count; i++) {
		const struct campaign_slow *d = &p->slow[i];

		rota_when_text(d->seen_ms / MS, seen);
		printf("    %.16s  %-8s seen %s", d->id, rota_reach_word(d->reach),
			d->seen_ms ? seen : "never");
		bundle_show_text("  serial", d->serial);
	}
}

static void print_text(struct session *s, const struct campaign *c,
	const struct campaign_progress *p, uint64_t end_s)
{
	const struct rota_key_campaign *k = &c->request.campaign;
	char activation[ROTA_WHEN_LEN], end[ROTA_WHEN_LEN];

	rota_when_text(k->activation_s, activation);
	rota_when_text(end_s, end);
	printf("campaign %s\n%s generation %u, %s%s\n", c->id, rota_purpose_word(k->purpose),
		(unsigned)k->generation, campaign_stand_word(c->stand),
		k->emergency ? ", emergency" : "");
	print_bar(p);
	for (int i = 0; i < ROTA_REACHES; i++)
		printf("  %-8s %10llu\n", rota_reach_word((enum rota_reach)i),
			(unsigned long long)p->reached[i]);
	printf("  need generation %u or older: %llu, of them silent %llu\n",
		(unsigned)(k->generation - 1), (unsigned long long)p->need,
		(unsigned long long)p->silent);
	print_stages(k, s->desk.now);
	printf("  activation %s, expected end %s\n", activation, end_s ? end : "unknown");
	print_slow(p);
}

static enum rota_err show(struct session *s, const struct campaign *c)
{
	struct campaign_progress progress;
	struct campaign_fleet fleet;
	uint64_t end_s;
	enum rota_err err;

	ROTA_TRY(campaign_fleet_open(s, &fleet));
	err = campaign_progress(s, c, &fleet, &progress);
	campaign_fleet_close(&fleet);
	ROTA_TRY(err);
	end_s = expected_end(s, c, &progress);
	if (json)
		print_json(c, &progress, end_s);
	else
		print_text(s, c, &progress, end_s);
	return ROTA_OK;
}

static enum rota_err run(struct session *s, const char *id)
{
	const struct campaign *c;
	struct campaign_book book;
	enum rota_err err;

	ROTA_TRY(campaign_book_open(s, &book));
	err = campaign_find(s, &book, id, &c);
	if (err == ROTA_OK)
		err = show(s, c);
	campaign_book_close(&book);
	return err;
}

int verb_campaign_status(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s, argv[at]));
}
