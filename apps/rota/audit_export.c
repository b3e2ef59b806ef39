/* SPDX-License-Identifier: Apache-2.0 */
/* rota audit export: what an auditor takes home. */
#include "apps/rota/audit_records.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/file.h"
#include "host/log/carry.h"
#include "host/log/head.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/trust/logproof.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPY_MAX ((size_t)16 * 1024 * 1024) /* DIR/keys, a root, a proof */

static const char *policy_file, *journal, *out_dir, *role, *target;

static const struct opts_row rows[] = {
	{ "journal", "FOLDER", "the log's journal: private records go along, as `records`",
		OPTS_TEXT, &journal },
	{ "out", "FOLDER", "where to; it is made", OPTS_TEXT, &out_dir },
	AUDIT_POLICY(&policy_file),
	{ "role", "ROLE", "only private records of this role or set of keys", OPTS_TEXT, &role },
	{ "target", "PATH", "only private records of this target", OPTS_TEXT, &target },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota audit export [OPTION]... [FOLDER]",
	.text = "Copies what an auditor takes home from a signing log (default: that of the "
		"repository): log/ "
		"with its\n"
		"checkpoint, entries, tiles and proofs, log-policy, keys and root.json of the "
		"authority, and\n"
		"of the journal the private records that are chosen.",
	.examples =
		"  rota audit export --out audit-2026\n"
		"  rota audit export --out audit-2026 --journal /var/lib/rota-signd/log/journal "
		"--role releases\n"
		"  rota audit verify audit-2026",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 1,
};

/* What is not there is left out. */
static enum rota_err copy(const char *from, const char *to, struct rota_fail *why)
{
	struct rota_bytes bytes = { 0 };
	enum rota_err err = rota_file_read(from, COPY_MAX, &bytes, why);

	if (err == ROTA_OK)
		err = rota_file_write(to, rota_bytes_span(&bytes), 0644, why);
	rota_bytes_free(&bytes);
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
}

static enum rota_err copy_named(
	const char *from, const char *to, const char *name, struct rota_fail *why)
{
	char *source = rota_text("%s/%s", from, name), *place = rota_text("%s/%s", to, name);
	enum rota_err err = copy(source, place, why);

	free(source);
	free(place);
	return err;
}

/* Who writes the published log may have put a link there, to a file of whoever exports it: a proof is known by its text. */
static enum rota_err copy_proof(
	const char *from, const char *to, const char *name, struct rota_fail *why)
{
	char *source = rota_text("%s/%s", from, name), *place = rota_text("%s/%s", to, name);
	struct rota_bytes bytes = { 0 };
	enum rota_err err = rota_file_read(source, ROTA_LOGPROOF_MAX, &bytes, why);

	if (err == ROTA_OK &&
		!rota_span_starts(rota_bytes_span(&bytes), ROTA_STR("c2sp.org/tlog-proof@v1\n")))
		err = rota_fail(why, ROTA_ERR_DENIED,
			"%s is no proof of a release: remove it, and ask who put it there", source);
	if (err == ROTA_OK)
		err = rota_file_write(place, rota_bytes_span(&bytes), 0644, why);
	rota_bytes_free(&bytes);
	free(source);
	free(place);
	return err;
}

static enum rota_err copy_proofs(const char *folder, const char *making, struct rota_fail *why)
{
	char *from = rota_text("%s/proofs", folder), *to = rota_text("%s/log/proofs", making);
	struct dirent **names = NULL;
	int count = scandir(from, &names, NULL, alphasort);
	enum rota_err err = count > 2 ? rota_file_mkdirs(to, 0755, why) : ROTA_OK;

	for (int i = 0; i < count; i++) {
		if (err == ROTA_OK && names[i]->d_name[0] != '.')
			err = copy_proof(from, to, names[i]->d_name, why);
		free(names[i]);
	}
	free(names);
	free(from);
	free(to);
	return err;
}

/* The log as it is published, with all signatures that stand on it; nobody is asked for more. */
static enum rota_err copy_log(struct audit_place *place, const char *making,
	struct rota_carried *done, struct rota_fail *why)
{
	char *to = rota_text("%s/log", making);
	const struct rota_carry carry = { .crypto = &rota_crypto_openssl,
		.from = place->folder,
		.to = to,
		.policy = &place->policy };
	enum rota_err err;

	memset(place->policy.url, 0, sizeof(place->policy.url));
	place->policy.need = 0;
	err = rota_file_mkdirs(to, 0755, why);
	if (err == ROTA_OK)
		err = rota_log_carry(&carry, NULL, 0, done, why);
	free(to);
	return err == ROTA_OK ? copy_proofs(place->folder, making, why) : err;
}

/* Records of entries that the checkpoint covers: nobody could hold later ones against anything. */
struct taking {
	uint64_t size;
	struct rota_bytes lines;
};

static enum rota_err take(void *ctx, const struct rota_log_entry *e, struct rota_fail *why)
{
	struct taking *t = ctx;

	(void)why;
	if (e->index < t->size && (!target || rota_span_is(e->leaf.path, target)) &&
		(!role || rota_span_is(e->leaf.role, role)))
		audit_record_write(e, &t->lines);
	return ROTA_OK;
}

static enum rota_err copy_records(const char *making, uint64_t size, struct rota_fail *why)
{
	struct taking t = { .size = size };
	const struct rota_log_visitor visitor = { .ctx = &t, .take = take };
	char *path = rota_text("%s/records", making);
	enum rota_err err = rota_log_walk_journal(&rota_crypto_openssl, journal, &visitor, why);

	if (err == ROTA_OK)
		err = rota_file_write(path, rota_bytes_span(&t.lines), 0600, why);
	rota_bytes_free(&t.lines);
	free(path);
	return err;
}

static enum rota_err fill(struct audit_place *place, const char *making, struct rota_carried *done,
	struct rota_fail *why)
{
	char *to = rota_text("%s/log-policy", making), *trust = rota_text("%s/trust", verb_dir());
	enum rota_err err = copy(place->policy_file, to, why);

	if (err == ROTA_OK)
		err = copy_named(trust, making, "root.json", why);
	if (err == ROTA_OK)
		err = copy_named(verb_dir(), making, "keys", why);
	free(to);
	free(trust);
	ROTA_TRY(err);
	ROTA_TRY(copy_log(place, making, done, why));
	return journal ? copy_records(making, done->size, why) : ROTA_OK;
}

/* Whole, or not there. */
static enum rota_err make_folder(struct audit_place *place, struct rota_fail *why)
{
	char *out = rota_text("%s", out_dir), *making;
	struct rota_carried done = { 0 };
	enum rota_err err;

	opts_trim_slashes(out);
	making = rota_text("%s.making", out);
	err = rota_file_mkdir_anew(making, 0755, why);
	if (err == ROTA_OK) {
		err = fill(place, making, &done, why);
		if (err == ROTA_OK)
			err = rota_file_rename(making, out, why);
		if (err != ROTA_OK)
			rota_file_remove_tree(making);
	}
	if (err == ROTA_OK)
		printf("%s: %" PRIu64 " entries\n", out, done.size);
	free(making);
	free(out);
	return err;
}

int verb_audit_export(int argc, char **argv)
{
	struct audit_place place;
	struct rota_fail why;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (!out_dir)
		return opts_wrong(&usage, "--out is missing");
	if (!journal && (role || target))
		return opts_wrong(&usage, "--role and --target choose records of --journal");
	err = audit_open(&place, at < argc ? argv[at] : NULL, policy_file, &why);
	if (err == ROTA_OK && rota_file_exists(out_dir))
		err = rota_fail(&why, ROTA_ERR_STATE,
			"%s is there already; an export makes its own folder", out_dir);
	if (err == ROTA_OK)
		err = make_folder(&place, &why);
	audit_close(&place);
	return err == ROTA_OK ? 0 : say_fail(&why);
}
