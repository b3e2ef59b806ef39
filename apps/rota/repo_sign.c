/* SPDX-License-Identifier: Apache-2.0 */
/* rota repo sign: on the offline machine, show what a bundle changes, ask, and sign it. */
#include "apps/rota/bundle_show.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/repo/bundle_record.h"
#include "host/repo/bundle_sign.h"

#include <stdio.h>

static struct opts_list tokens;
static const char *out;
static bool yes, show, again, json;

static const struct opts_row rows[] = {
	{ "show", NULL, "verify and show, sign nothing", OPTS_FLAG, &show },
	{ "token", "NAME", "only this token of rota.ini signs; may repeat", OPTS_LIST, &tokens },
	{ "yes", NULL, "do not ask", OPTS_FLAG, &yes },
	{ "out", "FILE", "where the signed bundle goes (default: in the place of FILE)", OPTS_TEXT,
		&out },
	{ "again", NULL, "sign although this machine signed another file of that version",
		OPTS_FLAG, &again },
	{ "json", NULL, "as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota repo sign [OPTION]... FILE",
	.text = "Verifies a bundle of `rota repo export` from this machine's own trust/root.json, "
		"shows every\n"
		"value that signing it changes, asks, and adds the signatures of the tokens at "
		"hand until the\n"
		"threshold is met. Refuses what goes back, what is not the next version, and what "
		"the role may\n"
		"not say. Several people sign one after the other, or each a copy.",
	.examples = "  rota --dir /media/vault repo sign --show /media/stick/release-2\n"
		    "  rota --dir /media/vault repo sign --token releases-1 /media/stick/release-2",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

static void report(const struct rota_bundle_view *view, const char *file, unsigned added)
{
	bool complete = true;

	for (size_t i = 0; i < view->count; i++)
		complete &= rota_bundle_complete(&view->items[i]);
	fprintf(stderr, "rota: %u signature%s added to %s; %s\n", added, added == 1 ? "" : "s",
		file,
		complete ? "it is complete: rota repo import on the connected machine"
			 : "further people must sign it");
}

static enum rota_err sign(struct session *s, struct rota_bundle_view *view, const char *file)
{
	const struct rota_bundle_hand hand = { .tokens = tokens.count ? tokens.at : NULL,
		.token_count = tokens.count };
	struct rota_fail last;
	unsigned added;

	ROTA_TRY(rota_bundle_record_check(&s->dir, view, again, &s->why));
	ROTA_TRY(session_confirm(s, yes, "Sign this?"));
	if (rota_bundle_sign(&s->desk, view, &hand, &added, &last) != ROTA_OK) {
		s->why = last;
		return last.err;
	}
	if (added == 0)
		return rota_fail(&s->why, ROTA_ERR_DENIED,
			"no token at hand has a key that may sign this and has not yet%s%s",
			last.text[0] ? ": " : "", last.text);
	ROTA_TRY(rota_bundle_save(view->bundle, file, &s->why));
	report(view, file, added);
	return ROTA_OK;
}

static enum rota_err run(struct session *s, const char *file)
{
	struct rota_bundle bundle;
	struct rota_bundle_base base;
	struct rota_bundle_view view;
	enum rota_err err;

	ROTA_TRY(rota_bundle_load(file, &bundle, &s->why));
	base = (struct rota_bundle_base){ .roots = bundle.roots, .targets = bundle.targets };
	err = rota_bundle_view_open(&s->dir, &bundle, &base, s->desk.now, &view, &s->why);
	if (err == ROTA_OK) {
		bundle_show(&view, s->desk.now, json);
		if (!show)
			err = sign(s, &view, out ? out : file);
		rota_bundle_view_close(&view);
	}
	rota_bundle_free(&bundle);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(&s->why, "%s", file);
}

int verb_repo_sign(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), show ? SESSION_READ : SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s, argv[at]));
}
