/* SPDX-License-Identifier: Apache-2.0 */
/* rota approve: an officer is shown what a signing daemon was asked for, and signs a yes or a no (SPEC 20).
 *
 * What is shown is the request itself, whose digest is signed. What was there before is the daemon's word, and shown as
 * such: behind it stands all that is asked for once more, whole. So a daemon that lies can hide nothing. */
#include "apps/rota/approval_sign.h"
#include "apps/rota/bundle_show.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/repo/bundle_diff.h"

#include <stdio.h>
#include <string.h>

static const char *socket_path, *token, *lasts;
static bool yes, refuse, json;

static const struct opts_row rows[] = {
	{ "token", "NAME", "the token of rota.ini whose approval key signs", OPTS_TEXT, &token },
	{ "refuse", NULL, "say no: the request is over", OPTS_FLAG, &refuse },
	{ "lasts", "TIME", "how long it counts, at most 7d (default 1h)", OPTS_TEXT, &lasts },
	{ "yes", NULL, "do not ask", OPTS_FLAG, &yes },
	{ "socket", "FILE", "the daemon's socket (default: signd of rota.ini)", OPTS_TEXT,
		&socket_path },
	{ "json", NULL, "list as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota approve [OPTION]... [DIGEST]",
	.text = "Without DIGEST: lists what waits for approvals. With it: shows the request, asks, "
		"and signs\n"
		"a yes, or with --refuse a no, with the approval key of a token at hand.",
	.examples = "  rota approve\n"
		    "  rota --dir /media/vault approve --token releases-1 \\\n"
		    "      0f4bc1c0a3f5d1f2b6a8c9e7d4b3a2918f7e6d5c4b3a29180f4bc1c0a3f5d1f2",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 1,
};

/* ---- showing ---- */

static void on_change(void *ctx, const char *path, const json_t *was, const json_t *now)
{
	(void)ctx;
	bundle_show_change(path, was, now);
}

/* A text that goes with it, value by value where it has values. */
static void show_file(const char *path, const json_t *file, const struct rota_bundle_sink *sink)
{
	const struct rota_span text = rota_span(json_string_value(file), json_string_length(file));
	struct rota_fail why;
	json_t *value;

	if (rota_json_parse_strict(text, &value, &why) != ROTA_OK) {
		rota_bundle_compare(path, NULL, file, sink);
		return;
	}
	rota_bundle_compare(path, NULL, value, sink);
	json_decref(value);
}

static void show_ask(const struct rota_ask *ask, const json_t *was)
{
	const struct rota_bundle_sink sink = { .change = on_change };
	const json_t *now =
		ask->kind == ROTA_ASK_METADATA ? json_object_get(ask->body, "signed") : ask->body;
	char hex[ROTA_DIGEST_HEX];
	const char *path;
	json_t *file;

	rota_hex(ROTA_SPAN(ask->digest), hex);
	printf("request %s\n%s for role %s of %s\n", hex, rota_ask_word(ask->kind), ask->role,
		ask->scope);
	bundle_show_text("reason", ask->reason);
	if (was) {
		printf("what changes, where the daemon says right what was:\n");
		rota_bundle_compare(NULL, was, now, &sink);
	}
	printf("all that is to be signed:\n");
	rota_bundle_compare(NULL, NULL, now, &sink);
	json_object_foreach(ask->files, path, file) show_file(path, file, &sink);
	fflush(stdout);
}

static json_t *row_of(const struct rota_ask *ask)
{
	char hex[ROTA_DIGEST_HEX], expires[ROTA_WHEN_LEN];

	rota_hex(ROTA_SPAN(ask->digest), hex);
	rota_when_text(ask->expires_s, expires);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "digest", hex, "expires", expires, "kind",
		rota_ask_word(ask->kind), "reason", ask->reason, "role", ask->role, "scope",
		ask->scope);
}

static const char *text(const json_t *row, const char *name)
{
	return json_string_value(json_object_get(row, name));
}

static void print_rows(const json_t *all)
{
	const json_t *row;
	size_t i;

	if (json) {
		json_dumpf(all, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
		return;
	}
	if (json_array_size(all) == 0)
		printf("nothing waits\n");
	json_array_foreach(all, i, row)
	{
		printf("%s  %s for role %s of %s\n", text(row, "digest"), text(row, "kind"),
			text(row, "role"), text(row, "scope"));
		bundle_show_text("reason ", text(row, "reason"));
		bundle_show_text("expires", text(row, "expires"));
	}
}

static enum rota_err list(struct session *s, struct rota_client *c)
{
	static uint8_t digests[ROTA_CLIENT_PENDING_MAX][ROTA_DIGEST_LEN];
	json_t *all = json_array();
	size_t count = 0;
	enum rota_err err = rota_client_pending(c, digests, &count, &s->why);

	for (size_t i = 0; err == ROTA_OK && i < count; i++) {
		struct rota_ask ask;
		json_t *was;

		err = rota_client_shown(c, digests[i], &ask, &was, &s->why);
		if (err != ROTA_OK)
			break;
		json_array_append_new(all, row_of(&ask));
		json_decref(was);
		rota_ask_free(&ask);
	}
	if (err == ROTA_OK)
		print_rows(all);
	json_decref(all);
	return err;
}

/* ---- signing ---- */

static enum rota_err sign(
	struct session *s, const struct rota_ask *ask, uint64_t lasts_s, struct rota_approval *out)
{
	*out = (struct rota_approval){ .expires_s = s->desk.now + lasts_s, .refuse = refuse };
	memcpy(out->ask, ask->digest, sizeof(out->ask));
	return approval_sign(s, token, out);
}

static enum rota_err report(struct session *s, const struct rota_answer *answer)
{
	if (answer->kind == ROTA_ANSWER_REFUSED && !refuse)
		return rota_client_verdict(answer, &s->why);
	if (answer->kind == ROTA_ANSWER_REFUSED)
		printf("refused; the request is over\n");
	else if (answer->kind == ROTA_ANSWER_PENDING && answer->have < answer->need)
		printf("approved; %u of %u approvals are there\n", answer->have, answer->need);
	else
		printf("approved; the next verb that writes takes the signatures\n");
	return ROTA_OK;
}

static enum rota_err decide(
	struct session *s, struct rota_client *c, const struct rota_ask *ask, uint64_t lasts_s)
{
	struct rota_approval approval;
	struct rota_answer answer;

	ROTA_TRY(session_confirm(s, yes, refuse ? "Refuse this?" : "Approve this?"));
	ROTA_TRY(sign(s, ask, lasts_s, &approval));
	ROTA_TRY(rota_client_approve(c, &approval, &answer, &s->why));
	return report(s, &answer);
}

static enum rota_err one(
	struct session *s, struct rota_client *c, const char *hex, uint64_t lasts_s)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_ask ask;
	enum rota_err err;
	json_t *was;

	if (!rota_unhex(hex, ROTA_BUF(digest)))
		return rota_fail(&s->why, ROTA_ERR_ARGUMENT,
			"'%s' is no digest of 64 digits; rota approve lists them", hex);
	ROTA_TRY(rota_client_shown(c, digest, &ask, &was, &s->why));
	show_ask(&ask, was);
	err = decide(s, c, &ask, lasts_s);
	json_decref(was);
	rota_ask_free(&ask);
	return err;
}

static enum rota_err run(struct session *s, const char *hex, uint64_t lasts_s)
{
	struct rota_client_server server = rota_client_server(&s->dir);
	struct rota_client *c;
	enum rota_err err;

	if (socket_path)
		server.address = socket_path;
	if (!server.address[0])
		return rota_fail(&s->why, ROTA_ERR_NOT_FOUND,
			"%s names no signd; name the daemon's socket with --socket",
			s->dir.ini.path);
	if (!socket_path)
		ROTA_TRY(session_daemon(s));
	ROTA_TRY(rota_client_open(&server, &c, &s->why));
	err = hex ? one(s, c, hex, lasts_s) : list(s, c);
	rota_client_close(c);
	return err;
}

int verb_approve(int argc, char **argv)
{
	struct session s;
	uint64_t lasts_s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (!rota_duration_parse(lasts ? lasts : "1h", &lasts_s) || lasts_s == 0 ||
		lasts_s > ROTA_APPROVAL_AHEAD_S)
		return opts_wrong(&usage, "--lasts %s is no duration of at most 7d", lasts);
	if (at == argc && (refuse || yes || token || lasts))
		return opts_wrong(&usage, "--refuse, --yes, --token and --lasts go with a DIGEST");
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s, at < argc ? argv[at] : NULL, lasts_s));
}
