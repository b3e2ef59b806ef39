/* SPDX-License-Identifier: Apache-2.0 */
/* rota series approve: an officer lets a keeper give all roots of a series at once (SPEC 23.9). */
#include "apps/rota/approval_sign.h"
#include "apps/rota/opts.h"
#include "apps/rota/series.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/series/emergency.h"

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
	.synopsis = "rota series approve [OPTION]... FILE",
	.text = "Shows what `rota series end --ask` wrote into FILE, asks, and adds an approval by "
		"this officer's\n"
		"token. With enough of them the keeper gives all roots of the series before their "
		"hour, and\n"
		"destroys the PINs of their slots.",
	.examples = "  rota --dir /media/vault series approve --token anna /media/stick/emergency",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

static enum rota_err approve(struct session *s, const char *path, uint64_t lasts_s)
{
	struct rota_approval a = { .expires_s = s->desk.now + lasts_s, .refuse = refuse };
	struct rota_bytes file, line = { 0 };
	struct rota_emergency e;
	char hex[ROTA_DIGEST_HEX];
	enum rota_err err;

	ROTA_TRY(series_read_emergency(s, path, &e, &file, a.ask));
	rota_bytes_free(&file);
	rota_hex(ROTA_SPAN(a.ask), hex);
	printf("emergency of product %s: all roots from %llu to %llu are to be given now, and the "
	       "PINs "
	       "of their slots destroyed\n",
		e.product, (unsigned long long)e.first, (unsigned long long)e.last);
	printf("reason ");
	series_print_text(e.reason);
	printf("\nSHA-256 %s\n", hex);
	fflush(stdout);
	ROTA_TRY(session_confirm(s, yes, refuse ? "Refuse this?" : "Approve this?"));
	ROTA_TRY(approval_sign(s, token, &a));
	rota_approval_write(&a, &line);
	rota_bytes_add_text(&line, "\n");
	err = rota_file_append(path, rota_bytes_span(&line), 0644, &s->why);
	rota_bytes_free(&line);
	ROTA_TRY(err);
	printf("%s\n", refuse ? "refused" : "approved");
	return ROTA_OK;
}

int verb_series_approve(int argc, char **argv)
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
