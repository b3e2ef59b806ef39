/* SPDX-License-Identifier: Apache-2.0 */
/* rota series end: an ordinary root behind all that are signed, with the online keys of rota.ini. */
#include "apps/rota/opts.h"
#include "apps/rota/series.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/repo/ahead.h"
#include "host/series/link.h"
#include "host/series/series.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *ask, *approved, *reason = "";
static bool yes, json;

static const struct opts_row rows[] = {
	{ "ask", "FILE", "only write what officers approve so that the keeper gives all roots",
		OPTS_TEXT, &ask },
	{ "reason", "TEXT", "why, with --ask", OPTS_TEXT, &reason },
	{ "approved", "FILE", "that file with their approvals", OPTS_TEXT, &approved },
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
		"change of root.\n"
		"Roots that a keeper has are opened for that by approvals of officers; the keeper "
		"then destroys\n"
		"the PINs of their slots.",
	.examples = "  rota series end && rota publish\n"
		    "  rota series end --ask emergency --reason 'server broken into'\n"
		    "  rota series approve --token anna emergency\n"
		    "  rota series end --approved emergency && rota publish",
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

/* ---- what the keeper has ---- */

/* Versions of the first and last root that is sealed; 0: none. */
static enum rota_err find_sealed(struct session *s, uint64_t *first, uint64_t *last)
{
	struct rota_ahead ahead;

	*first = *last = 0;
	ROTA_TRY(rota_ahead_open(&s->dir, &ahead, &s->why));
	for (size_t i = 0; i < ahead.timeline.count; i++) {
		if (ahead.root[i])
			continue;
		*last = ahead.timeline.at[i].version;
		if (!*first)
			*first = *last;
	}
	rota_ahead_close(&ahead);
	return ROTA_OK;
}

static enum rota_err write_ask(struct session *s)
{
	struct rota_emergency e;
	struct rota_bytes text;
	enum rota_err err;

	ROTA_TRY(find_sealed(s, &e.first, &e.last));
	if (!e.first)
		return rota_fail(&s->why, ROTA_ERR_STATE,
			"the keeper has no root of this series; rota series end needs no approval");
	snprintf(e.product, sizeof(e.product), "%s", s->dir.product);
	snprintf(e.reason, sizeof(e.reason), "%s", reason);
	ROTA_TRY(rota_emergency_write(&e, &text, &s->why));
	rota_bytes_add_text(&text, "\n");
	err = rota_file_write(ask, rota_bytes_span(&text), 0644, &s->why);
	rota_bytes_free(&text);
	ROTA_TRY(err);
	printf("%s: roots %llu to %llu; next: rota series approve by officers, then rota series "
	       "end "
	       "--approved\n",
		ask, (unsigned long long)e.first, (unsigned long long)e.last);
	return ROTA_OK;
}

static enum rota_err arrived(
	void *ctx, uint64_t version, struct rota_span root, struct rota_fail *why)
{
	struct session *s = ctx;

	if (!rota_ahead_kept(&s->dir, version))
		return ROTA_OK; /* given in time, meanwhile */
	return rota_ahead_arrived(&s->dir, version, root, true, why);
}

static enum rota_err open_all(struct session *s)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	char hex[ROTA_DIGEST_HEX];
	uint64_t first, last;
	struct rota_emergency e;
	struct rota_bytes file;
	enum rota_err err;
	int fd;

	ROTA_TRY(find_sealed(s, &first, &last));
	if (!first)
		return ROTA_OK;
	if (!approved || !s->dir.keeper)
		return rota_fail(&s->why, ROTA_ERR_DENIED,
			"the keeper has roots %llu to %llu, which are to be published with this "
			"one: rota series end --ask FILE, for its officers",
			(unsigned long long)first, (unsigned long long)last);
	ROTA_TRY(series_read_emergency(s, approved, &e, &file, digest));
	rota_hex(ROTA_SPAN(digest), hex);
	err = series_record(s,
		json_pack("{s:s,s:s,s:I,s:I,s:s}", "did", "emergency", "approved", hex, "first",
			(json_int_t)e.first, "last", (json_int_t)e.last, "reason", e.reason));
	if (err == ROTA_OK)
		err = rota_link_open(s->dir.keeper, &fd, &s->why);
	if (err == ROTA_OK) {
		err = rota_link_emergency(
			fd, e.first, e.last, rota_bytes_span(&file), arrived, s, &s->why);
		close(fd);
	}
	rota_bytes_free(&file);
	ROTA_TRY(err);
	ROTA_TRY(find_sealed(s, &first, &last));
	if (!first)
		return ROTA_OK;
	return rota_fail(&s->why, ROTA_ERR_NOT_FOUND, "the keeper lacks root %llu",
		(unsigned long long)first);
}

static enum rota_err run(struct session *s, json_t **newest)
{
	const struct rota_party *party = rota_authdir_party(&s->dir, "root");
	struct rota_series_pair pair;
	json_t *root, *roots;
	enum rota_err err;

	if (rota_ahead_none(&s->dir, &s->why) == ROTA_OK)
		return rota_fail(&s->why, ROTA_ERR_STATE, "there is no series to end");
	if (ask)
		return write_ask(s);
	ROTA_TRY(online_pair(s, &pair));
	ROTA_TRY(rota_series_end(*newest, &pair, s->desk.now, party->lifetime_s, &root, &s->why));
	roots = json_pack("[o]", root);
	if (json) {
		json_dumpf(root, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
	} else {
		printf("to be signed: root %lld, which counts from now on, names the online keys "
		       "of rota.ini and ends the series\n",
			(long long)json_integer_value(json_object_get(root, "version")));
	}
	fflush(stdout);
	err = session_confirm(s, yes, "Sign these?");
	if (err == ROTA_OK)
		err = open_all(s);
	if (err == ROTA_OK)
		err = series_record(s,
			json_pack("{s:s,s:O}", "did", "end", "root",
				json_object_get(root, "version")));
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
	if (ask && (!*reason || strlen(reason) > ROTA_EMERGENCY_REASON_MAX))
		return opts_wrong(&usage, "--ask needs a --reason of 1 to %d bytes",
			ROTA_EMERGENCY_REASON_MAX);
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	err = rota_ahead_newest(&s.dir, &newest, &s.why);
	if (err == ROTA_OK) {
		err = run(&s, &newest);
		json_decref(newest);
	}
	return session_close(&s, err);
}
