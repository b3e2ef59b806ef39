/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/approval_file.h -- verbs by which an officer adds an approval behind the text of a file (SPEC 23.9, 38.3): their
 * options, the question, the line. */
#ifndef APPS_ROTA_APPROVAL_FILE_H
#define APPS_ROTA_APPROVAL_FILE_H

#include "apps/rota/opts.h"
#include "apps/rota/session.h"

#include <stdint.h>

/* What the options say. */
struct approval_file {
	const char *token;
	const char *lasts;
	bool refuse, yes;
	uint64_t lasts_s; /* set by approval_file_verb() */
};

#define APPROVAL_FILE_BEGIN                                                                        \
	{                                                                                          \
		.lasts = "1d"                                                                      \
	}
#define APPROVAL_FILE_ROWS(a)                                                                      \
	{ "token", "NAME", "the token of [keys approval] that signs (default: the first)",         \
		OPTS_TEXT, &(a).token },                                                           \
		{ "lasts", "TIME", "how long the approval counts (default: 1d, at most 7d)",       \
			OPTS_TEXT, &(a).lasts },                                                   \
		{ "refuse", NULL, "sign a no", OPTS_FLAG, &(a).refuse },                           \
		{ "yes", NULL, "do not ask", OPTS_FLAG, &(a).yes },                                \
	{                                                                                          \
		NULL, NULL, NULL, OPTS_FLAG, NULL                                                  \
	}

/* The verb: its one operand is the file. `show` reads and shows it, and gives the digest of what is approved; then the officer is
 * asked, and the approval goes behind what is there. */
int approval_file_verb(const struct opts_usage *usage, struct approval_file *a, int argc,
	char **argv,
	enum rota_err (*show)(
		struct session *s, const char *path, uint8_t ask[static ROTA_DIGEST_LEN]));

#endif
