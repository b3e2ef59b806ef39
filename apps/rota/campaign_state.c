/* SPDX-License-Identifier: Apache-2.0 */
/* rota campaign pause, resume, done, abort: another state in the role's list (SPEC 32.4). */
#include "apps/rota/campaign.h"
#include "apps/rota/opts.h"
#include "apps/rota/verb.h"
#include "host/repo/retire.h"

#include <stdio.h>
#include <string.h>

static bool unsigned_, yes, json;

static const struct opts_row rows[] = {
	{ "unsigned", NULL, "its signers are offline: leave it waiting for rota repo export",
		OPTS_FLAG, &unsigned_ },
	{ "json", NULL, "print what was made as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_row abort_rows[] = {
	{ "unsigned", NULL, "its signers are offline: leave it waiting for rota repo export",
		OPTS_FLAG, &unsigned_ },
	{ "yes", NULL, "do not ask", OPTS_FLAG, &yes },
	{ "json", NULL, "print what was made as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage pause_usage = {
	.synopsis = "rota campaign pause [OPTION]... ID",
	.text = "No device begins with the campaign until `rota campaign resume`. Who has proved "
		"its "
		"key keeps it\n"
		"staged. `rota publish` makes it count.",
	.examples = "  rota campaign pause 0f4bc1c0 && rota publish",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

static const struct opts_usage resume_usage = {
	.synopsis = "rota campaign resume [OPTION]... ID",
	.text = "A campaign that was paused goes on. `rota publish` makes it count.",
	.examples = "  rota campaign resume 0f4bc1c0 && rota publish",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

static const struct opts_usage done_usage = {
	.synopsis = "rota campaign done [OPTION]... ID",
	.text = "Says that a campaign is over for those who watch it: everybody has come who was "
		"waited for. Who comes\n"
		"late takes part all the same, until a higher generation is listed. `rota publish` "
		"makes it count.",
	.examples = "  rota campaign done 0f4bc1c0 && rota publish",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

static const struct opts_usage abort_usage = {
	.synopsis = "rota campaign abort [OPTION]... ID",
	.text = "Ends a campaign for good: a device that has its key staged drops it, one that "
		"uses "
		"it keeps it, and\n"
		"the next campaign has a generation of its own. One of storage, firmware or auth "
		"is withdrawn online\n"
		"first (role revocations), so that nobody waits for signers. `rota publish` makes "
		"it count.",
	.examples = "  rota campaign abort 0f4bc1c0 && rota publish\n"
		    "  rota campaign abort --yes --unsigned 0f4bc1c0",
	.rows = abort_rows,
	.operands_min = 1,
	.operands_max = 1,
};

/* ---- the list ---- */

static enum rota_err list_state(struct session *s, const struct campaign *c, const char *state,
	struct rota_ledger_done *done)
{
	const char *role = rota_purpose_role(c->request.campaign.purpose);
	uint8_t id[ROTA_DIGEST_LEN];
	struct rota_ledger ledger;
	enum rota_err err;

	if (!rota_unhex(c->id, ROTA_BUF(id)))
		return rota_fail(&s->why, ROTA_ERR_FORMAT, "%s is no id", c->id);
	ROTA_TRY(rota_ledger_open(
		&s->dir, rota_keylist_kind(role), s->dir.product, &ledger, &s->why));
	err = rota_keylist_set_state(ledger.file, id, state, &s->why);
	if (err == ROTA_OK)
		err = rota_ledger_sign(&ledger, &s->desk, unsigned_, done, &s->why);
	rota_ledger_close(&ledger);
	return err;
}

static enum rota_err say(struct session *s, const struct campaign *c, const char *state)
{
	const char *role = rota_purpose_role(c->request.campaign.purpose);
	struct rota_ledger_done done = { 0 };

	ROTA_TRY(list_state(s, c, state, &done));
	if (json)
		printf("{\"campaign\":\"%s\",\"role_version\":%llu,\"sequence\":%llu,\"state\":"
		       "\"%s\"}\n",
			c->id, (unsigned long long)done.role_version,
			(unsigned long long)done.sequence, state);
	else
		printf("%.16s is %s in sequence %llu of %s; %s\n", c->id, state,
			(unsigned long long)done.sequence, role,
			unsigned_ ? "its signers are next: rota repo export"
				  : "rota publish makes it count");
	return ROTA_OK;
}

/* ---- withdrawing ---- */

static bool is_withdrawn(const json_t *file, const char *id)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(file, "withdrawn"), i, one)
	{
		if (strcmp(json_string_value(one), id) == 0)
			return true;
	}
	return false;
}

/* Done again after a cut it is done already. */
static enum rota_err withdraw(struct session *s, const struct campaign *c)
{
	struct rota_ledger_done done;
	uint8_t id[ROTA_DIGEST_LEN];
	struct rota_ledger ledger;
	enum rota_err err = ROTA_OK;

	ROTA_TRY(rota_ledger_open(
		&s->dir, &rota_revocations_kind, s->dir.product, &ledger, &s->why));
	if (!is_withdrawn(ledger.file, c->id)) {
		err = rota_unhex(c->id, ROTA_BUF(id))
			? rota_withdraw(ledger.file, id, false, &s->why)
			: rota_fail(&s->why, ROTA_ERR_FORMAT, "%s is no id", c->id);
		if (err == ROTA_OK)
			err = rota_ledger_sign(&ledger, &s->desk, false, &done, &s->why);
		if (err == ROTA_OK && !json)
			printf("%.16s is withdrawn in sequence %llu of revocations\n", c->id,
				(unsigned long long)done.sequence);
	}
	rota_ledger_close(&ledger);
	return err;
}

/* ---- the verbs ---- */

static enum rota_err check_listed(struct session *s, const struct campaign *c)
{
	if (c->trees)
		return ROTA_OK;
	return rota_fail(&s->why, ROTA_ERR_STATE, "campaign %.16s is %s, and not listed yet%s",
		c->id, campaign_stand_word(c->stand),
		c->stand == CAMPAIGN_WAITING ? "; an officer says no to it: rota approve --refuse"
					     : "");
}

static enum rota_err pause(struct session *s, const struct campaign *c)
{
	ROTA_TRY(check_listed(s, c));
	return say(s, c, "paused");
}

static enum rota_err resume(struct session *s, const struct campaign *c)
{
	ROTA_TRY(check_listed(s, c));
	if (c->stand != CAMPAIGN_PAUSED)
		return rota_fail(&s->why, ROTA_ERR_STATE, "campaign %.16s is %s, not paused", c->id,
			campaign_stand_word(c->stand));
	return say(s, c, "active");
}

static enum rota_err finish(struct session *s, const struct campaign *c)
{
	ROTA_TRY(check_listed(s, c));
	if (c->stand != CAMPAIGN_ACTIVE)
		return rota_fail(&s->why, ROTA_ERR_STATE, "campaign %.16s is %s, not active", c->id,
			campaign_stand_word(c->stand));
	return say(s, c, "done");
}

/* Those of keys-link have no other way than their list, which is signed online. */
static enum rota_err end(struct session *s, const struct campaign *c)
{
	bool store = strcmp(rota_purpose_role(c->request.campaign.purpose), "keys-store") == 0;

	if (!store || c->stand == CAMPAIGN_WAITING)
		ROTA_TRY(check_listed(s, c));
	ROTA_TRY(session_confirm(s, yes, "Abort this campaign? It cannot be taken up again."));
	if (store)
		ROTA_TRY(withdraw(s, c));
	return c->trees ? say(s, c, "aborted") : ROTA_OK;
}

static int change(const struct opts_usage *usage, int argc, char **argv,
	enum rota_err (*how)(struct session *s, const struct campaign *c))
{
	const struct campaign *c;
	struct campaign_book book;
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	err = campaign_book_open(&s, &book);
	if (err == ROTA_OK) {
		err = campaign_find(&s, &book, argv[at], &c);
		if (err == ROTA_OK)
			err = how(&s, c);
		campaign_book_close(&book);
	}
	if (err == ROTA_OK)
		campaign_tell_anew(&s);
	return session_close(&s, err);
}

int verb_campaign_pause(int argc, char **argv)
{
	return change(&pause_usage, argc, argv, pause);
}

int verb_campaign_resume(int argc, char **argv)
{
	return change(&resume_usage, argc, argv, resume);
}

int verb_campaign_done(int argc, char **argv)
{
	return change(&done_usage, argc, argv, finish);
}

int verb_campaign_abort(int argc, char **argv)
{
	return change(&abort_usage, argc, argv, end);
}
