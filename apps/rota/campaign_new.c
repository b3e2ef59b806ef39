/* SPDX-License-Identifier: Apache-2.0 */
/* rota campaign new: ask for new data keys, by hand or as the calendar says. */
#include "apps/rota/campaign.h"
#include "apps/rota/campaign_due.h"
#include "apps/rota/opts.h"
#include "apps/rota/verb.h"
#include "host/notary/ask.h"

#include <stdio.h>
#include <string.h>

static struct campaign_wish wish;
static const char *purpose, *cipher, *late, *generation;
static bool due, json;

static const struct opts_row rows[] = {
	{ "purpose", "WORD", "telemetry, link, storage, firmware or auth", OPTS_TEXT, &purpose },
	{ "devices", "QUERY", "which: all, or terms like group=field and not region=eu", OPTS_TEXT,
		&wish.devices },
	{ "reason", "TEXT", "why; officers read it, and the log keeps it", OPTS_TEXT,
		&wish.reason },
	{ "emergency", NULL, "all devices at once, in use as soon as each has proved it", OPTS_FLAG,
		&wish.emergency },
	{ "stages", "LIST", "PPM@AFTER,... (default 10000@0s,100000@1d,1000000@3d)", OPTS_TEXT,
		&wish.stages },
	{ "activation", "WHEN", "a time, or how long from now (default 10d)", OPTS_TEXT,
		&wish.activation },
	{ "overlap", "TIME", "how long the old key is read after the switch (default 7d)",
		OPTS_TEXT, &wish.overlap },
	{ "cipher", "NAME", "aes-128 (default) or aes-256", OPTS_TEXT, &cipher },
	{ "generation", "N", "above the next one, where a thief gave devices keys (default: next)",
		OPTS_TEXT, &generation },
	{ "late", "N", "devices that may join later (default: a tenth)", OPTS_TEXT, &late },
	{ "name", "NAME", "what people call it (default: PURPOSE-GENERATION)", OPTS_TEXT,
		&wish.name },
	{ "due", NULL, "ask for what is due by [rotation] of rota.ini, and nothing else", OPTS_FLAG,
		&due },
	{ "json", NULL, "print what was asked for as JSON, a line each", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota campaign new --purpose WORD --devices QUERY --reason TEXT [OPTION]...\n"
		    "       rota campaign new --due [--json]",
	.text = "Asks the signing daemon for a campaign that gives devices the next generation of "
		"a "
		"data key. The\n"
		"rows of the devices that are meant go to DIR/campaigns/ID.export, which "
		"rota-seald is brought.\n"
		"Who has to approve it is said by signd.ini. With --due, from a timer, it asks for "
		"what\n"
		"`rota campaign due` lists, and for nothing when nothing is due.",
	.examples = "  rota campaign new --purpose telemetry --devices all --reason 'as every "
		    "quarter'\n"
		    "  rota campaign new --purpose storage --devices 'serial in stolen.txt' "
		    "--emergency \\\n"
		    "      --reason 'a lorry was robbed'\n"
		    "  rota campaign new --due",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

static int check_generation(void)
{
	uint64_t n = 0;

	if (generation && (!opts_number(generation, UINT32_MAX, &n) || n == 0))
		return opts_wrong(&usage, "--generation is a number from 1");
	wish.generation = (uint32_t)n;
	return 0;
}

static int check(void)
{
	wish.purpose = campaign_purpose(purpose);
	if (due)
		return purpose || wish.devices || wish.reason || wish.emergency
			? opts_wrong(&usage, "--due says itself for what and why")
			: 0;
	if (wish.purpose == 0)
		return opts_wrong(
			&usage, "--purpose is needed: telemetry, link, storage, firmware or auth");
	if (!wish.devices || !*wish.devices)
		return opts_wrong(&usage, "--devices QUERY is needed; all means all");
	if (!wish.reason || !*wish.reason || strlen(wish.reason) > ROTA_ASK_REASON_MAX)
		return opts_wrong(
			&usage, "--reason TEXT is needed: 1 to %d bytes", ROTA_ASK_REASON_MAX);
	if (cipher && strcmp(cipher, "aes-128") != 0 && strcmp(cipher, "aes-256") != 0)
		return opts_wrong(&usage, "--cipher is aes-128 or aes-256");
	wish.cipher = cipher && strcmp(cipher, "aes-256") == 0 ? 2 : 1;
	wish.late = UINT64_MAX;
	if (late && !opts_number(late, UINT32_MAX, &wish.late))
		return opts_wrong(&usage, "--late is a number of devices");
	return check_generation();
}

static enum rota_err ask(struct session *s, const struct campaign_wish *what)
{
	struct campaign_asked asked;

	ROTA_TRY(campaign_ask(s, what, &asked));
	campaign_say_asked(&asked, json);
	return ROTA_OK;
}

/* Each purpose that is due, one after the other; what one is refused the others need not miss. */
static enum rota_err ask_due(struct session *s)
{
	struct campaign_due_row row[ROTA_PURPOSES_MAX];
	struct rota_fail first = { .err = ROTA_OK };
	size_t count, asked = 0;

	ROTA_TRY(campaign_due(s, row, &count));
	for (size_t i = 0; i < count; i++) {
		struct campaign_wish one = { .purpose = row[i].purpose,
			.cipher = row[i].cipher,
			.devices = row[i].devices,
			.reason = row[i].reason,
			.late = UINT64_MAX };

		if (!rota_keydue_is(row[i].verdict.due))
			continue;
		asked++;
		if (ask(s, &one) != ROTA_OK && first.err == ROTA_OK)
			first = s->why;
	}
	if (asked == 0 && !json)
		printf("nothing is due\n");
	if (first.err != ROTA_OK)
		s->why = first;
	return first.err;
}

int verb_campaign_new(int argc, char **argv)
{
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	status = check();
	if (status)
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	err = due ? ask_due(&s) : ask(&s, &wish);
	if (err == ROTA_OK)
		campaign_tell_anew(&s);
	return session_close(&s, err);
}
