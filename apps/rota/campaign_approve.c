/* SPDX-License-Identifier: Apache-2.0 */
/* rota campaign approve: an officer lets keys go that devices still need (SPEC 38.3). */
#include "apps/rota/approval_sign.h"
#include "apps/rota/bundle_show.h"
#include "apps/rota/opts.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/notary/override.h"
#include "rota/codec/purpose.h"

#include <stdio.h>
#include <string.h>

static const char *token, *lasts = "1d";
static bool yes, refuse;

static const struct opts_row rows[] = {
	{ "token", "NAME", "the token of [keys approval] that signs (default: the first)",
		OPTS_TEXT, &token },
	{ "lasts", "TIME", "how long the approval counts (default: 1d, at most 7d)", OPTS_TEXT,
		&lasts },
	{ "refuse", NULL, "sign a no", OPTS_FLAG, &refuse },
	{ "yes", NULL, "do not ask", OPTS_FLAG, &yes },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota campaign approve [OPTION]... FILE",
	.text = "Shows what `rota campaign retire --ask` wrote into FILE, asks, and adds an "
		"approval "
		"by this\n"
		"officer's token. Two officers of rota.ini let keys go that devices still need. "
		"(Campaigns\n"
		"themselves are approved with rota approve.)",
	.examples = "  rota --dir /media/vault campaign approve --token anna /media/stick/override",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

static void show(const struct rota_override *o)
{
	char hex[ROTA_DIGEST_HEX];

	rota_hex(ROTA_SPAN(o->digest), hex);
	printf("override: keys of %s up to generation %u are to go for good, although %llu devices "
	       "need them,\n%llu of these told nothing of late. What they sealed is lost.\n",
		rota_purpose_word(o->purpose), (unsigned)o->generation, (unsigned long long)o->need,
		(unsigned long long)o->silent);
	bundle_show_text("reason", o->reason);
	printf("SHA-256 %s\n", hex);
	fflush(stdout);
}

static enum rota_err read(struct session *s, const char *path, struct rota_override *out)
{
	struct rota_span approvals;
	struct rota_bytes file;
	enum rota_err err;

	*out = (struct rota_override){ .product = s->dir.product };
	ROTA_TRY(rota_file_read(path, ROTA_OVERRIDE_MAX, &file, &s->why));
	err = rota_override_read(rota_bytes_span(&file), out, &approvals, &s->why);
	rota_bytes_free(&file);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(&s->why, "%s", path);
}

static enum rota_err approve(struct session *s, const char *path, uint64_t lasts_s)
{
	struct rota_approval a = { .expires_s = s->desk.now + lasts_s, .refuse = refuse };
	struct rota_bytes line = { 0 };
	struct rota_override o;
	enum rota_err err;

	ROTA_TRY(read(s, path, &o));
	show(&o);
	ROTA_TRY(session_confirm(s, yes, refuse ? "Refuse this?" : "Approve this?"));
	memcpy(a.ask, o.digest, sizeof(a.ask));
	ROTA_TRY(approval_sign(s, token, &a));
	rota_approval_write(&a, &line);
	rota_bytes_add_text(&line, "\n");
	err = rota_file_append(path, rota_bytes_span(&line), 0644, &s->why);
	rota_bytes_free(&line);
	ROTA_TRY(err);
	printf("%s\n", refuse ? "refused" : "approved");
	return ROTA_OK;
}

int verb_campaign_approve(int argc, char **argv)
{
	struct session s;
	uint64_t lasts_s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (!rota_duration_parse(lasts, &lasts_s) || lasts_s == 0 ||
		lasts_s > ROTA_APPROVAL_AHEAD_S)
		return opts_wrong(&usage, "--lasts %s is no time up to 7d", lasts);
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, approve(&s, argv[at], lasts_s));
}
