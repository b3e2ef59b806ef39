/* SPDX-License-Identifier: Apache-2.0 */
/* rota recovery root: the root that begins anew, when those who held the last one are too few, or others. */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/swaparg.h"
#include "apps/rota/verb.h"
#include "host/keys/told.h"
#include "host/repo/anew.h"
#include "host/repo/chain.h"
#include "host/sign/envelope.h"

#include <stdio.h>
#include <string.h>

static struct opts_list replace;
static bool sign_it, take, yes;

static const struct opts_row rows[] = {
	{ "replace", "ID=FILE",
		"make it: the key whose id begins so gives way to the public key in FILE (PEM); "
		"may repeat",
		OPTS_LIST, &replace },
	{ "sign", NULL, "add the signatures of the tokens at hand", OPTS_FLAG, &sign_it },
	{ "take", NULL,
		"it is what this directory trusts and publishes from now on, in place of all "
		"before",
		OPTS_FLAG, &take },
	{ "yes", NULL, "do not ask before signing", OPTS_FLAG, &yes },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota recovery root [OPTION]... FILE",
	.text = "The root to begin anew with, where too few keys of the last one are left, or as "
		"many as it takes are\n"
		"known to others. No old root vouches for it: a device trusts it by a recovery "
		"order that names it\n"
		"(rota recovery make --root). With --replace the file is made from the newest "
		"root, "
		"with --sign the\n"
		"holders of its keys sign it, with --take it counts here.",
	.examples = "  rota recovery root --replace 3f9a01c2=a.pem --replace 77aa01c2=b.pem "
		    "root.json\n"
		    "  rota --dir /media/vault recovery root --sign root.json\n"
		    "  rota recovery root --take root.json",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

/* ---- making ---- */

static enum rota_err make(struct session *s, const char *path)
{
	static struct rota_bundle_swap swaps[OPTS_LIST_MAX];
	const struct rota_bundle_rekeying how = { .swaps = swaps, .swap_count = replace.count };
	const struct rota_key_info *old;
	struct rota_bytes file;
	struct rota_keys *k;
	enum rota_err err = ROTA_OK;

	if (rota_file_exists(path)) /* people may have signed it */
		return rota_fail(&s->why, ROTA_ERR_STATE,
			"%s is there already; remove it, or name another file", path);
	ROTA_TRY(rota_keys_load(&s->dir, &k, &s->why));
	for (size_t i = 0; i < replace.count && err == ROTA_OK; i++)
		err = swaparg(k, replace.at[i], &swaps[i], &old, &s->why);
	rota_keys_free(k);
	ROTA_TRY(err);
	ROTA_TRY(rota_anew_make(&s->desk, &how, &file, &s->why));
	err = rota_file_write(path, rota_bytes_span(&file), 0644, &s->why);
	rota_bytes_free(&file);
	if (err == ROTA_OK)
		fprintf(stderr,
			"rota: %s is made; now the holders of its keys sign it: rota "
			"recovery root --sign %s\n",
			path, path);
	return err;
}

/* ---- signing ---- */

static void show(const json_t *content, const uint8_t digest[static ROTA_DIGEST_LEN])
{
	const json_t *roles = json_object_get(content, "roles"), *entry, *id;
	char hex[ROTA_DIGEST_HEX];
	const char *role;
	size_t i;

	rota_hex(rota_span(digest, ROTA_DIGEST_LEN), hex);
	printf("root version %llu, which no earlier root vouches for; digest %s\n",
		(unsigned long long)rota_chain_version(content), hex);
	json_object_foreach((json_t *)(uintptr_t)roles, role, entry)
	{
		json_array_foreach(json_object_get(entry, "keyids"), i, id)
		{
			printf("  %-10s %.16s\n", role, json_string_value(id));
		}
	}
	fflush(stdout);
}

static enum rota_err sign(struct session *s, const char *path)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_bytes file;
	json_t *envelope;
	enum rota_err err;
	unsigned added;

	ROTA_TRY(rota_json_load(path, ROTA_ENVELOPE_MAX, &envelope, &s->why));
	err = rota_envelope_digest(json_object_get(envelope, "signed"), digest, &s->why);
	if (err == ROTA_OK) {
		show(json_object_get(envelope, "signed"), digest);
		err = session_confirm(s, yes, "Sign this root?");
	}
	if (err == ROTA_OK)
		err = rota_anew_sign(&s->desk, envelope, &added, &s->why);
	if (err == ROTA_OK)
		err = rota_json_encode(envelope, ROTA_JSON_FILE, &file, &s->why);
	json_decref(envelope);
	ROTA_TRY(err);
	err = rota_file_write(path, rota_bytes_span(&file), 0644, &s->why);
	rota_bytes_free(&file);
	if (err == ROTA_OK)
		fprintf(stderr, "rota: %s has %u more signatures\n", path, added);
	return err;
}

/* ---- taking ---- */

static enum rota_err take_it(struct session *s, const char *path)
{
	struct rota_bytes file;
	enum rota_err err;

	ROTA_TRY(rota_file_read(path, ROTA_ENVELOPE_MAX, &file, &s->why));
	err = rota_anew_take(&s->dir, rota_bytes_span(&file), &s->why);
	rota_bytes_free(&file);
	if (err != ROTA_OK)
		return rota_fail_in(&s->why, "%s", path);
	ROTA_TRY(rota_keys_catch_up(&s->dir, &s->why));
	ROTA_TRY(rota_keys_tell(&s->dir, &s->notary, &s->why));
	printf("trust/root.json is this root; rota publish --all signs under it\n");
	return ROTA_OK;
}

int verb_recovery_root(int argc, char **argv)
{
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if ((replace.count > 0) + sign_it + take != 1)
		return opts_wrong(&usage, "give one of --replace, --sign and --take");
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	if (take)
		err = take_it(&s, argv[at]);
	else
		err = sign_it ? sign(&s, argv[at]) : make(&s, argv[at]);
	return session_close(&s, err);
}
