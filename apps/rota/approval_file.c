/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/approval_file.h"
#include "apps/rota/approval_sign.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"

#include <stdio.h>
#include <string.h>

static enum rota_err add(struct session *s, const struct approval_file *a, const char *path,
	const uint8_t ask[static ROTA_DIGEST_LEN])
{
	struct rota_approval approval = { .expires_s = s->desk.now + a->lasts_s,
		.refuse = a->refuse };
	struct rota_bytes line = { 0 };
	enum rota_err err;

	ROTA_TRY(session_confirm(s, a->yes, a->refuse ? "Refuse this?" : "Approve this?"));
	memcpy(approval.ask, ask, sizeof(approval.ask));
	ROTA_TRY(approval_sign(s, a->token, &approval));
	rota_approval_write(&approval, &line);
	rota_bytes_add_text(&line, "\n");
	err = rota_file_append(path, rota_bytes_span(&line), 0644, &s->why);
	rota_bytes_free(&line);
	ROTA_TRY(err);
	printf("%s\n", a->refuse ? "refused" : "approved");
	return ROTA_OK;
}

int approval_file_verb(const struct opts_usage *usage, struct approval_file *a, int argc,
	char **argv,
	enum rota_err (*show)(
		struct session *s, const char *path, uint8_t ask[static ROTA_DIGEST_LEN]))
{
	uint8_t ask[ROTA_DIGEST_LEN];
	enum rota_err err;
	struct session s;
	int at, status;

	if (!opts_parse(usage, argc, argv, &at, &status))
		return status;
	if (!rota_duration_parse(a->lasts, &a->lasts_s) || a->lasts_s == 0 ||
		a->lasts_s > ROTA_APPROVAL_AHEAD_S)
		return opts_wrong(usage, "--lasts %s is no time up to 7d", a->lasts);
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	err = show(&s, argv[at], ask);
	(void)fflush(stdout);
	if (err == ROTA_OK)
		err = add(&s, a, argv[at], ask);
	return session_close(&s, err);
}
