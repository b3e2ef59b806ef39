/* SPDX-License-Identifier: Apache-2.0 */
/* rota audit prove: that the log has a release, as one file for who has no log at hand. */
#include "apps/rota/audit.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/file.h"
#include "host/log/walk.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdio.h>
#include <stdlib.h>

static const char *policy_file, *out_file, *target, *sha256;

static const struct opts_row rows[] = {
	{ "out", "FILE", "where to (default FOLDER/proofs/DIGEST.tlog-proof)", OPTS_TEXT,
		&out_file },
	{ "policy", "FILE", "keys of log and witnesses (default DIR/trust/log-policy)", OPTS_TEXT,
		&policy_file },
	{ "sha256", "HEX", "of the release.json (default the newest of that path)", OPTS_TEXT,
		&sha256 },
	{ "target", "PATH", "the release: releases/PRODUCT/VERSION/release.json", OPTS_TEXT,
		&target },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota audit prove [OPTION]... [FOLDER]",
	.text = "Writes a proof that a signing log (default DIR/repo/log) has a release, and that "
		"witnesses saw\n"
		"it: what a device that demands proofs fetches beside release.json.",
	.examples = "  rota audit prove --target releases/sensor/1.2.0/release.json\n"
		    "  rota audit prove --target releases/sensor/1.2.0/release.json --out proof "
		    "/srv/repo/log",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 1,
};

/* FOLDER/proofs/DIGEST.tlog-proof; the caller frees. */
static enum rota_err default_path(const char *folder, const uint8_t digest[static ROTA_SHA256_LEN],
	char **path, struct rota_fail *why)
{
	char hex[2 * ROTA_SHA256_LEN + 1];
	char *proofs = rota_text("%s/proofs", folder);
	enum rota_err err = rota_file_mkdirs(proofs, 0755, why);

	rota_hex(rota_span(digest, ROTA_SHA256_LEN), hex);
	*path = rota_text("%s/%s.tlog-proof", proofs, hex);
	free(proofs);
	return err;
}

static enum rota_err prove(
	const struct audit_place *place, const uint8_t *wanted, struct rota_fail *why)
{
	struct rota_bytes proof = { 0 };
	uint8_t digest[ROTA_SHA256_LEN];
	char *path = NULL;
	enum rota_err err = rota_log_prove(&rota_crypto_openssl, &place->files, &place->policy,
		target, wanted, &proof, digest, why);

	if (err == ROTA_OK && out_file)
		path = rota_text("%s", out_file);
	else if (err == ROTA_OK)
		err = default_path(place->folder, digest, &path, why);
	if (err == ROTA_OK)
		err = rota_file_write(path, rota_bytes_span(&proof), 0644, why);
	if (err == ROTA_OK)
		printf("%s\n", path);
	free(path);
	rota_bytes_free(&proof);
	return err;
}

int verb_audit_prove(int argc, char **argv)
{
	struct audit_place place;
	struct rota_fail why;
	uint8_t wanted[ROTA_SHA256_LEN];
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (!target)
		return opts_wrong(&usage, "--target is missing");
	if (sha256 && !rota_unhex(sha256, ROTA_BUF(wanted)))
		return opts_wrong(&usage, "--sha256 takes 64 hex digits");
	err = audit_open(&place, at < argc ? argv[at] : NULL, policy_file, &why);
	if (err == ROTA_OK)
		err = prove(&place, sha256 ? wanted : NULL, &why);
	audit_close(&place);
	return err == ROTA_OK ? 0 : say_fail(&why);
}
