/* SPDX-License-Identifier: Apache-2.0 */
/* rota audit prove: that the log has a release, as one file for who has no log at hand. */
#include "apps/rota/audit.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/file.h"
#include "host/log/head.h"
#include "host/log/prove.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *policy_file, *out_file, *target, *sha256;

static const struct opts_row rows[] = {
	{ "out", "FILE", "where to (default FOLDER/proofs/DIGEST.tlog-proof)", OPTS_TEXT,
		&out_file },
	AUDIT_POLICY(&policy_file),
	{ "sha256", "HEX", "of the release.json (default the newest of that path)", OPTS_TEXT,
		&sha256 },
	{ "target", "PATH", "the release: releases/PRODUCT/VERSION/release.json", OPTS_TEXT,
		&target },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota audit prove [OPTION]... [FOLDER]",
	.text = "Writes a proof that a signing log (default: that of the repository) has a "
		"release, and that "
		"witnesses saw\n"
		"it: what a device that demands proofs fetches beside release.json.",
	.examples = "  rota audit prove --target releases/sensor/1.2.0/release.json\n"
		    "  rota audit prove --target releases/sensor/1.2.0/release.json --out proof "
		    "/srv/repo/log",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 1,
};

/* The checkpoint that is published, verified, and the newest entry of the release under it. */
static enum rota_err find(const struct audit_place *place, struct rota_bytes *note,
	struct rota_checkpoint *at, struct rota_log_wanted *wanted, struct rota_fail *why)
{
	uint32_t who;

	ROTA_TRY(place->files.get(place->files.ctx, "checkpoint", ROTA_LOG_HEAD_MAX, note, why));
	ROTA_TRY(rota_log_policy_open(
		&rota_crypto_openssl, &place->policy, rota_bytes_span(note), true, at, &who, why));
	ROTA_TRY(rota_log_find(&place->files, at->size, wanted, 1, why));
	if (!wanted->found)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"%s: the log has no entry of it among its first %" PRIu64, target,
			at->size);
	return ROTA_OK;
}

static enum rota_err prove(
	const struct audit_place *place, struct rota_log_wanted *wanted, struct rota_fail *why)
{
	struct rota_bytes note = { 0 }, proof = { 0 };
	struct rota_checkpoint at;
	char *path = NULL;
	enum rota_err err = find(place, &note, &at, wanted, why);

	if (err == ROTA_OK)
		err = rota_log_prove(&rota_crypto_openssl, &place->files, wanted,
			rota_bytes_span(&note), &at, &proof, why);
	if (err == ROTA_OK && out_file)
		err = rota_file_write(out_file, rota_bytes_span(&proof), 0644, why);
	else if (err == ROTA_OK)
		err = rota_log_proof_place(
			place->folder, wanted, rota_bytes_span(&proof), &path, why);
	if (err == ROTA_OK)
		printf("%s\n", out_file ? out_file : path);
	free(path);
	rota_bytes_free(&note);
	rota_bytes_free(&proof);
	return err;
}

int verb_audit_prove(int argc, char **argv)
{
	struct audit_place place;
	struct rota_fail why;
	struct rota_log_wanted wanted = { 0 };
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (!target)
		return opts_wrong(&usage, "--target is missing");
	if (sha256 && !rota_unhex(sha256, ROTA_BUF(wanted.sha256)))
		return opts_wrong(&usage, "--sha256 takes 64 hex digits");
	wanted.path = target;
	wanted.any = !sha256;
	err = audit_open(&place, at < argc ? argv[at] : NULL, policy_file, &why);
	if (err == ROTA_OK)
		err = prove(&place, &wanted, &why);
	audit_close(&place);
	return err == ROTA_OK ? 0 : say_fail(&why);
}
