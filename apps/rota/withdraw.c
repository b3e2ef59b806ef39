/* SPDX-License-Identifier: Apache-2.0 */
/* rota withdraw: releases that devices are not to install, signed online, and taken back when that was wrong. */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/repo/retire.h"
#include "host/repo/rollout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *product;
static struct opts_list digests;
static bool ci, undo, json;

static const struct opts_row rows[] = {
	{ "undo", NULL, "they may be installed again", OPTS_FLAG, &undo },
	{ "ci", NULL, "releases of the ci channel", OPTS_FLAG, &ci },
	{ "digest", "HEX",
		"one that is not in this repository, by SHA-256 of its release.json; may repeat",
		OPTS_LIST, &digests },
	{ "product", "NAME", "product (default: rota.ini's)", OPTS_TEXT, &product },
	{ "json", NULL, "print what was made, or what stands, as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota withdraw [OPTION]... [VERSION]...",
	.text = "Takes releases back: a device does not choose one that is withdrawn, drops it "
		"while it writes\n"
		"it, and gives it up on trial. Where it was confirmed it goes on running, and the "
		"device\n"
		"reports it; set a rollout of the version to go to. `rota publish` makes it count. "
		"Without\n"
		"VERSION it says what is withdrawn.",
	.examples = "  rota withdraw\n"
		    "  rota withdraw 2.0.0\n"
		    "  rota withdraw --undo 2.0.0\n"
		    "  rota withdraw --digest "
		    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 64,
};

static enum rota_err change(
	struct session *s, const char *name, int count, char **version, json_t *file)
{
	uint8_t sha256[ROTA_DIGEST_LEN];
	char path[256];

	for (int i = 0; i < count; i++) {
		ROTA_TRY(rota_rollout_find_release(
			&s->dir, ci ? "ci" : "releases", name, version[i], path, sha256, &s->why));
		if (rota_withdraw(file, sha256, undo, &s->why) != ROTA_OK)
			return rota_fail_in(&s->why, "version %s", version[i]);
	}
	for (size_t i = 0; i < digests.count; i++) {
		if (!rota_unhex(digests.at[i], ROTA_BUF(sha256)))
			return rota_fail(&s->why, ROTA_ERR_ARGUMENT,
				"--digest %s is not 64 hex digits", digests.at[i]);
		ROTA_TRY(rota_withdraw(file, sha256, undo, &s->why));
	}
	return ROTA_OK;
}

static void say_standing(const json_t *file)
{
	const json_t *list = json_object_get(file, "withdrawn");

	if (json) {
		json_dumpf(file, stdout, JSON_COMPACT | JSON_SORT_KEYS);
		printf("\n");
		return;
	}
	printf("sequence %lld, %zu releases withdrawn\n",
		(long long)json_integer_value(json_object_get(file, "sequence")),
		json_array_size(list));
	for (size_t i = 0; i < json_array_size(list); i++)
		printf("  release.json %s\n", json_string_value(json_array_get(list, i)));
}

static enum rota_err run(struct session *s, int count, char **version)
{
	const char *name = product ? product : s->dir.product;
	struct rota_ledger_done done;
	struct rota_ledger ledger;
	enum rota_err err;

	ROTA_TRY(rota_ledger_open(&s->dir, &rota_revocations_kind, name, &ledger, &s->why));
	if (count == 0 && digests.count == 0) {
		say_standing(ledger.file);
		rota_ledger_close(&ledger);
		return ROTA_OK;
	}
	err = change(s, name, count, version, ledger.file);
	if (err == ROTA_OK)
		err = rota_ledger_sign(&ledger, &s->desk, false, &done, &s->why);
	if (err == ROTA_OK && json)
		printf("{\"path\":\"%s\",\"role_version\":%llu,\"sequence\":%llu}\n", ledger.path,
			(unsigned long long)done.role_version, (unsigned long long)done.sequence);
	else if (err == ROTA_OK)
		printf("%s sequence %llu: %d %s; rota publish makes it count\n", ledger.path,
			(unsigned long long)done.sequence, count + (int)digests.count,
			undo ? "may be installed again" : "withdrawn");
	rota_ledger_close(&ledger);
	return err;
}

int verb_withdraw(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (argc == at && undo && digests.count == 0)
		return opts_wrong(&usage, "--undo needs a VERSION");
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s, argc - at, argv + at));
}
