/* SPDX-License-Identifier: Apache-2.0 */
/* rota audit verify: is the signing log what it says, from its first entry to its last? */
#include "apps/rota/audit_records.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/bar.h"
#include "host/log/verify.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool json;
static const char *policy_file, *journal, *records;
static struct opts_list heads;

static const struct opts_row rows[] = {
	{ "head", "FILE", "a checkpoint that was kept earlier (may be given again)", OPTS_LIST,
		&heads },
	{ "journal", "FOLDER", "the log's journal: compare private records too", OPTS_TEXT,
		&journal },
	{ "json", NULL, "as JSON", OPTS_FLAG, &json },
	AUDIT_POLICY(&policy_file),
	{ "records", "FILE", "private records as rota audit export writes them: compare them too",
		OPTS_TEXT, &records },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota audit verify [OPTION]... [FOLDER]",
	.text = "Reads a signing log that was published (default: that of the repository), each "
		"entry, tile "
		"and signature of\n"
		"it, with no server. Finds an entry that was changed, removed, put in or moved, a "
		"log that was\n"
		"shown in two forms, and with --head one that does not continue what it was "
		"earlier.\n"
		"A folder that rota audit export made is read with its own log-policy and "
		"records.",
	.examples = "  rota audit verify\n"
		    "  rota audit verify --policy log-policy --head last-month/checkpoint "
		    "/srv/repo/log",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 1,
};

static void report_json(
	const struct rota_audit_report *report, enum rota_err err, const struct rota_fail *why)
{
	char root[2 * ROTA_SHA256_LEN + 1];
	json_t *out;

	rota_hex(ROTA_SPAN(report->root), root);
	out = json_pack("{s:I,s:b,s:s,s:I}", "entries", (json_int_t)report->entries, "good",
		err == ROTA_OK, "root", root, "witnesses", (json_int_t)report->witnesses);
	if (err != ROTA_OK)
		json_object_set_new(out, "wrong", json_string(why->text));
	if (err == ROTA_ERR_HASH)
		json_object_set_new(out, "entry", json_integer((json_int_t)report->bad));
	json_dumpf(out, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
	printf("\n");
	json_decref(out);
}

static void report_text(const struct rota_audit_report *report, bool with_records, uint64_t shown)
{
	printf("good: %" PRIu64 " entries, %u witnesses", report->entries, report->witnesses);
	if (with_records)
		printf(", %" PRIu64 " private records", shown);
	printf("\n");
}

int verb_audit_verify(int argc, char **argv)
{
	struct audit_place place;
	struct rota_audit_report report = { 0 };
	struct rota_bar bar = { 0 };
	uint64_t shown = 0;
	char *found = NULL;
	struct rota_fail why;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	err = audit_open(&place, at < argc ? argv[at] : NULL, policy_file, &why);
	if (!records)
		records = found = audit_records_in(&place);
	if (err == ROTA_OK) {
		const struct rota_audit audit = { .crypto = &rota_crypto_openssl,
			.files = &place.files,
			.policy = &place.policy,
			.journal = journal,
			.heads = heads.at,
			.head_count = heads.count,
			.progress = &bar.port };

		rota_bar_begin(&bar, stderr, "reading");
		err = rota_audit_verify(&audit, &report, &why);
		rota_bar_end(&bar);
		if (err == ROTA_OK && records)
			err = audit_records_verify(&place, report.entries, records, &shown, &why);
	}
	audit_close(&place);
	if (json)
		report_json(&report, err, &why);
	if (err == ROTA_OK && !json)
		report_text(&report, records != NULL, shown);
	free(found);
	return err == ROTA_OK ? 0 : say_fail(&why);
}
