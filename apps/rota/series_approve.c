/* SPDX-License-Identifier: Apache-2.0 */
/* rota series approve: an officer lets a keeper give all roots of a series at once (SPEC 23.9). */
#include "apps/rota/approval_file.h"
#include "apps/rota/series.h"
#include "apps/rota/verb.h"
#include "host/series/emergency.h"

#include <stdio.h>
#include <string.h>

static struct approval_file approval = APPROVAL_FILE_BEGIN;
static const struct opts_row rows[] = { APPROVAL_FILE_ROWS(approval) };

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

static enum rota_err show(struct session *s, const char *path, uint8_t ask[static ROTA_DIGEST_LEN])
{
	char hex[ROTA_DIGEST_HEX];
	struct rota_emergency e;
	struct rota_bytes file;

	ROTA_TRY(series_read_emergency(s, path, &e, &file, ask));
	rota_bytes_free(&file);
	rota_hex(rota_span(ask, ROTA_DIGEST_LEN), hex);
	printf("emergency of product %s: all roots from %llu to %llu are to be given now, and the "
	       "PINs "
	       "of their slots destroyed\n",
		e.product, (unsigned long long)e.first, (unsigned long long)e.last);
	printf("reason ");
	series_print_text(e.reason);
	printf("\nSHA-256 %s\n", hex);
	return ROTA_OK;
}

int verb_series_approve(int argc, char **argv)
{
	return approval_file_verb(&usage, &approval, argc, argv, show);
}
