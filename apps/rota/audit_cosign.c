/* SPDX-License-Identifier: Apache-2.0 */
/* rota audit cosign: have witnesses cosign the checkpoint that is published. */
#include "apps/rota/audit.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/file.h"
#include "host/log/cosign.h"
#include "host/log/head.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

static const char *policy_file;

static const struct opts_row rows[] = {
	AUDIT_POLICY(&policy_file),
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota audit cosign [OPTION]... [FOLDER]",
	.text = "Asks each witness of the policy that has a URL to cosign the checkpoint of a "
		"signing "
		"log\n"
		"(default: that of the repository), and puts their lines into it. Nothing changes "
		"where fewer "
		"than the\n"
		"policy's quorum did.",
	.examples = "  rota audit cosign\n  rota audit cosign --policy log-policy /srv/repo/log",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 1,
};

static void silent(void *ctx, const char *name, const struct rota_fail *why)
{
	(void)ctx;
	fprintf(stderr, "rota: witness %s did not cosign: %s\n", name, why->text);
}

static enum rota_err cosign(const struct audit_place *place, struct rota_fail *why)
{
	const struct rota_cosign_watcher watcher = { .silent = silent };
	struct rota_bytes note = { 0 }, signed_note = { 0 };
	char *path = rota_text("%s/checkpoint", place->folder);
	unsigned have = 0;
	enum rota_err err = rota_file_read(path, ROTA_LOG_HEAD_MAX, &note, why);

	if (err == ROTA_OK)
		err = rota_log_cosign(&rota_crypto_openssl, &place->files, &place->policy,
			rota_bytes_span(&note), &watcher, &signed_note, &have, why);
	if (err == ROTA_OK)
		err = rota_file_write(path, rota_bytes_span(&signed_note), 0644, why);
	if (err == ROTA_OK)
		printf("%u witnesses\n", have);
	rota_bytes_free(&note);
	rota_bytes_free(&signed_note);
	free(path);
	return err;
}

int verb_audit_cosign(int argc, char **argv)
{
	struct audit_place place;
	struct rota_fail why;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	err = audit_open(&place, at < argc ? argv[at] : NULL, policy_file, &why);
	if (err == ROTA_OK && curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		err = rota_fail(&why, ROTA_ERR_FULL, "libcurl does not start");
	if (err == ROTA_OK) {
		err = cosign(&place, &why);
		curl_global_cleanup();
	}
	audit_close(&place);
	return err == ROTA_OK ? 0 : say_fail(&why);
}
