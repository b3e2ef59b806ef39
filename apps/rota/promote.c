/* SPDX-License-Identifier: Apache-2.0 */
/* rota promote prepare, approve, sign: a ci release becomes one that production devices boot. */
#include "apps/rota/approval_sign.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/promote/promotion.h"
#include "host/sign/duty.h"
#include "host/sign/p256.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *version, *out, *token, *lasts;
static bool yes, refuse, json;

static const struct opts_row prepare_rows[] = {
	{ "version", "VERSION", "of the ci release", OPTS_TEXT, &version },
	{ "out", "DIR", "folder to make, to be carried", OPTS_TEXT, &out },
	{ "json", NULL, "print the statement's digest as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage prepare_usage = {
	.synopsis = "rota promote prepare --version VERSION --out DIR",
	.text = "Takes the images of a ci release out of the repository and writes what is to be "
		"approved:\n"
		"which release, which image digests, who built them. Where [promotion] builders "
		"of rota.ini\n"
		"demands it, so many builders must agree.",
	.examples = "  rota promote prepare --version 2.0.0 --out /media/stick/2.0.0",
	.rows = prepare_rows,
	.operands_min = 0,
	.operands_max = 0,
};

static const struct opts_row approve_rows[] = {
	{ "token", "NAME", "the token of [keys approval] that signs (default: the first)",
		OPTS_TEXT, &token },
	{ "lasts", "TIME", "how long the approval counts (default 1d, at most 7d)", OPTS_TEXT,
		&lasts },
	{ "refuse", NULL, "sign a no", OPTS_FLAG, &refuse },
	{ "yes", NULL, "do not ask", OPTS_FLAG, &yes },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage approve_usage = {
	.synopsis = "rota promote approve [OPTION]... DIR",
	.text = "Shows the statement, which was compared with the images beside it, asks, and adds "
		"an approval\n"
		"by this officer's token.",
	.examples = "  rota --dir /media/vault promote approve --token anna /media/stick/2.0.0",
	.rows = approve_rows,
	.operands_min = 1,
	.operands_max = 1,
};

static const struct opts_row sign_rows[] = {
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage sign_usage = {
	.synopsis = "rota promote sign DIR",
	.text = "Where the image token is: checks the approvals against [officer NAME] of "
		"rota.ini, computes\n"
		"the digests from the files, and writes each image with one signature more to "
		"DIR/production.",
	.examples =
		"  rota --dir /media/vault promote sign /media/stick/2.0.0\n"
		"  rota release add --version 2.0.0 --image /media/stick/2.0.0/production/app.img",
	.rows = sign_rows,
	.operands_min = 1,
	.operands_max = 1,
};

/* What ci tried is on its way to production: an entry, where there is a log (SPEC 26.6). */
static enum rota_err enter(struct session *s, const struct rota_promotion *p)
{
	const json_t *ci = json_object_get(p->statement, "ci");
	char hex[ROTA_DIGEST_HEX];
	struct rota_notary_event what = { .role = "releases" };
	json_t *event;
	uint64_t entry;
	enum rota_err err;

	rota_hex(ROTA_SPAN(p->digest), hex);
	event = json_pack("{s:O,s:s,s:O,s:{s:s,s:O}}", "digest", json_object_get(ci, "sha256"),
		"kind", "promotion", "path", json_object_get(ci, "path"), "what", "statement", hex,
		"version", json_object_get(p->statement, "version"));
	what.event = event;
	err = s->notary.record(s->notary.ctx, &what, &entry, &s->why);
	json_decref(event);
	return err;
}

int verb_promote_prepare(int argc, char **argv)
{
	struct rota_promotion p;
	char hex[ROTA_DIGEST_HEX];
	struct session s;
	enum rota_err err;
	uint64_t number;
	int at, status;

	if (!opts_parse(&prepare_usage, argc, argv, &at, &status))
		return status;
	if (!version || !rota_version_of(version, &number) || !out)
		return opts_wrong(&prepare_usage, "--version VERSION and --out DIR are needed");
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	err = rota_promotion_make(&s.dir, version, &rota_crypto_openssl, out, &s.why);
	if (err == ROTA_OK)
		err = rota_promotion_open(&s.dir, out, &rota_crypto_openssl, &p, &s.why);
	if (err == ROTA_OK) {
		err = enter(&s, &p);
		json_decref(p.statement);
	}
	if (err == ROTA_OK) {
		rota_hex(ROTA_SPAN(p.digest), hex);
		printf(json ? "{\"out\":\"%s\",\"sha256\":\"%s\"}\n" : "%s: statement %s\n", out,
			hex);
	}
	return session_close(&s, err);
}

static enum rota_err approve(struct session *s, const char *folder, uint64_t lasts_s)
{
	struct rota_approval a = { .expires_s = s->desk.now + lasts_s, .refuse = refuse };
	char hex[ROTA_DIGEST_HEX];
	struct rota_promotion p;

	ROTA_TRY(rota_promotion_open(&s->dir, folder, &rota_crypto_openssl, &p, &s->why));
	rota_hex(ROTA_SPAN(p.digest), hex);
	/* in ASCII: nothing of it moves the cursor, or hides what is agreed to */
	json_dumpf(p.statement, stdout, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	printf("\nstatement %s\n", hex);
	fflush(stdout);
	json_decref(p.statement);
	ROTA_TRY(session_confirm(s, yes, refuse ? "Refuse this?" : "Approve this?"));
	memcpy(a.ask, p.digest, sizeof(a.ask));
	ROTA_TRY(approval_sign(s, token, &a));
	ROTA_TRY(rota_promotion_approve(folder, &a, &s->why));
	rota_hex(ROTA_SPAN(a.key), hex);
	printf("%s with key %.16s\n", refuse ? "refused" : "approved", hex);
	return ROTA_OK;
}

int verb_promote_approve(int argc, char **argv)
{
	uint64_t lasts_s;
	struct session s;
	int at, status;

	if (!opts_parse(&approve_usage, argc, argv, &at, &status))
		return status;
	if (!rota_duration_parse(lasts ? lasts : "1d", &lasts_s) || lasts_s == 0 ||
		lasts_s > ROTA_APPROVAL_AHEAD_S)
		return opts_wrong(&approve_usage, "--lasts %s is no time up to 7d", lasts);
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, approve(&s, argv[at], lasts_s));
}

int verb_promote_sign(int argc, char **argv)
{
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&sign_usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	err = rota_promotion_sign(&s.desk, argv[at], &rota_crypto_openssl, &s.why);
	if (err == ROTA_OK)
		printf("%s/production: signed with %s:%s\n", argv[at],
			rota_authdir_party(&s.dir, "image")->seats[0].token->name,
			rota_authdir_party(&s.dir, "image")->seats[0].key);
	return session_close(&s, err);
}
