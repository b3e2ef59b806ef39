/* SPDX-License-Identifier: Apache-2.0 */
/* rota series end: an ordinary root behind all that are signed, with the online keys of rota.ini. */
#include "apps/rota/opts.h"
#include "apps/rota/series.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/repo/ahead.h"
#include "host/series/series.h"

#include <stdio.h>

static bool yes, json;

static const struct opts_row rows[] = {
	{ "yes", NULL, "do not ask", OPTS_FLAG, &yes },
	{ "json", NULL, "print the root as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota series end [OPTION]...",
	.text = "Signs an ordinary root behind the last one of the series, which counts from now "
		"on and names the\n"
		"online keys of rota.ini. The next `rota publish` publishes the rest of the series "
		"with it; an hour\n"
		"later it destroys all keys of slots. For a stolen series, and before any other "
		"change of root.",
	.examples = "  rota series end && rota publish",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

/* Of rota.ini, as their token says. */
static enum rota_err online_pair(struct session *s, struct rota_series_pair *pair)
{
	const struct rota_notary *n = &s->notary;

	ROTA_TRY(n->key(
		n->ctx, rota_authdir_party(&s->dir, "snapshot"), 0, pair->snapshot, &s->why));
	return n->key(
		n->ctx, rota_authdir_party(&s->dir, "timestamp"), 0, pair->timestamp, &s->why);
}

static enum rota_err run(struct session *s, json_t **newest)
{
	const struct rota_party *party = rota_authdir_party(&s->dir, "root");
	struct rota_series_pair pair;
	json_t *root, *roots;
	enum rota_err err;

	if (rota_ahead_none(&s->dir, &s->why) == ROTA_OK)
		return rota_fail(&s->why, ROTA_ERR_STATE, "there is no series to end");
	ROTA_TRY(online_pair(s, &pair));
	ROTA_TRY(rota_series_end(*newest, &pair, s->desk.now, party->lifetime_s, &root, &s->why));
	roots = json_pack("[o]", root);
	if (json) {
		json_dumpf(root, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
	} else {
		printf("root %lld, from now on, with the online keys of rota.ini; it ends the "
		       "series\n",
			(long long)json_integer_value(json_object_get(root, "version")));
	}
	fflush(stdout);
	err = session_confirm(s, yes, "Sign these?");
	if (err == ROTA_OK)
		err = series_sign(s, newest, roots);
	json_decref(roots);
	return err;
}

int verb_series_end(int argc, char **argv)
{
	struct session s;
	json_t *newest;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	err = rota_ahead_newest(&s.dir, &newest, &s.why);
	if (err == ROTA_OK) {
		err = run(&s, &newest);
		json_decref(newest);
	}
	return session_close(&s, err);
}
