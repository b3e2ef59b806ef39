/* SPDX-License-Identifier: Apache-2.0 */
/* rota campaign approve: an officer lets keys go that devices still need (SPEC 38.3). */
#include "apps/rota/approval_file.h"
#include "apps/rota/bundle_show.h"
#include "apps/rota/verb.h"
#include "host/notary/override.h"
#include "rota/codec/purpose.h"

#include <stdio.h>
#include <string.h>

static struct approval_file approval = APPROVAL_FILE_BEGIN;
static const struct opts_row rows[] = { APPROVAL_FILE_ROWS(approval) };

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

static enum rota_err show(struct session *s, const char *path, uint8_t ask[static ROTA_DIGEST_LEN])
{
	struct rota_override o;
	char hex[ROTA_DIGEST_HEX];

	ROTA_TRY(read(s, path, &o));
	rota_hex(ROTA_SPAN(o.digest), hex);
	printf("override: keys of %s up to generation %u are to go for good, although %llu devices "
	       "need them,\n%llu of these told nothing of late. What they sealed is lost.\n",
		rota_purpose_word(o.purpose), (unsigned)o.generation, (unsigned long long)o.need,
		(unsigned long long)o.silent);
	bundle_show_text("reason", o.reason);
	printf("SHA-256 %s\n", hex);
	memcpy(ask, o.digest, sizeof(o.digest));
	return ROTA_OK;
}

int verb_campaign_approve(int argc, char **argv)
{
	return approval_file_verb(&usage, &approval, argc, argv, show);
}
