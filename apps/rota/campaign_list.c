/* SPDX-License-Identifier: Apache-2.0 */
/* rota campaign list: all that were asked for. */
#include "apps/rota/bundle_show.h"
#include "apps/rota/campaign.h"
#include "apps/rota/opts.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"

#include <stdio.h>
#include <string.h>

static const char *purpose;
static bool json;

static const struct opts_row rows[] = {
	{ "purpose", "WORD", "of this one alone", OPTS_TEXT, &purpose },
	{ "json", NULL, "print it as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota campaign list [--purpose WORD] [--json]",
	.text = "Lists the key campaigns that the signing daemon has, and that devices read: "
		"waiting (for approvals),\n"
		"approved (rota-seald makes the keys), active, paused, aborted, done. What was "
		"approved since it\n"
		"was asked for is taken at this call.",
	.examples = "  rota campaign list\n"
		    "  rota campaign list --purpose storage --json",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

static json_t *object_of(const struct campaign *c)
{
	const struct rota_key_request *r = &c->request;
	char activation[ROTA_WHEN_LEN];

	rota_when_text(r->campaign.activation_s, activation);
	return json_pack("{s:s,s:s,s:s,s:b,s:I,s:I,s:s,s:s,s:s,s:I,s:I}", "activation", activation,
		"campaign", c->id, "devices", r->devices, "emergency", r->campaign.emergency,
		"expected", (json_int_t)r->expected, "generation",
		(json_int_t)r->campaign.generation, "name", r->name, "purpose",
		rota_purpose_word(r->campaign.purpose), "state", campaign_stand_word(c->stand),
		"sealed", (json_int_t)c->sealed, "trees", (json_int_t)c->trees);
}

static void say(const struct campaign *c)
{
	const struct rota_key_request *r = &c->request;
	char activation[ROTA_WHEN_LEN];

	rota_when_text(r->campaign.activation_s, activation);
	printf("%.16s  %-9s generation %-4u %-8s %8u devices  activation %s%s\n", c->id,
		rota_purpose_word(r->campaign.purpose), (unsigned)r->campaign.generation,
		campaign_stand_word(c->stand), (unsigned)(c->trees ? c->sealed : r->expected),
		activation, r->campaign.emergency ? "  emergency" : "");
	if (r->devices[0])
		bundle_show_text("  devices", r->devices);
}

static enum rota_err run(struct session *s)
{
	uint8_t wanted = campaign_purpose(purpose);
	json_t *all = json_array();
	struct campaign_book book;
	enum rota_err err = campaign_book_open(s, &book);

	for (size_t i = 0; err == ROTA_OK && i < book.count; i++) {
		if (wanted && book.at[i].request.campaign.purpose != wanted)
			continue;
		if (json)
			json_array_append_new(all, object_of(&book.at[i]));
		else
			say(&book.at[i]);
	}
	if (err == ROTA_OK && json) {
		json_dumpf(all, stdout, JSON_COMPACT | JSON_SORT_KEYS);
		printf("\n");
	} else if (err == ROTA_OK && book.count == 0)
		printf("no campaigns\n");
	json_decref(all);
	if (err == ROTA_OK) {
		campaign_tell(s, &book);
		campaign_book_close(&book);
	}
	return err;
}

int verb_campaign_list(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (purpose && !campaign_purpose(purpose))
		return opts_wrong(&usage, "there is no purpose %s", purpose);
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s));
}
