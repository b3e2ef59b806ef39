/* SPDX-License-Identifier: Apache-2.0 */
/* rota ceremony prepare: the folder that the offline signers get. */
#include "apps/rota/ceremony.h"
#include "apps/rota/rolearg.h"
#include "apps/rota/swaparg.h"
#include "apps/rota/verb.h"
#include "host/keys/keys.h"
#include "host/keys/period.h"
#include "host/repo/bundle_make.h"
#include "host/repo/chain.h"
#include "host/repo/store.h"
#include "host/sign/p256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASON_MAX 256

static struct opts_list roles, keys, replace, threshold;
static const char *reason = "";
static bool yearly, json;

static const struct opts_row rows[] = {
	{ "yearly", NULL, "all that people sign, with new times", OPTS_FLAG, &yearly },
	{ "role", "ROLE", "an offline role to be signed, with what waits for it; may repeat",
		OPTS_LIST, &roles },
	{ "replace", "ID=FILE",
		"the key whose id begins so gives way to the public key in FILE (PEM); may repeat",
		OPTS_LIST, &replace },
	{ "keys", "ROLE=FILE", "all keys of a role, as PEM public keys in FILE", OPTS_LIST, &keys },
	{ "threshold", "ROLE=N", "how many of its people a role takes from now on", OPTS_LIST,
		&threshold },
	{ "reason", "TEXT", "why; it begins the transcript", OPTS_TEXT, &reason },
	{ "json", NULL, "print fingerprint and parts as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota ceremony prepare [OPTION]... FOLDER",
	.text = "Makes FOLDER: what the offline signers shall sign, and the transcript of the "
		"ceremony, which\n"
		"begins with a fingerprint. Read it to each of them; `rota ceremony sign` shows "
		"theirs. Who names\n"
		"the keys of a role, root or targets, and the role itself are added by themselves "
		"where keys or a\n"
		"threshold change: so a lost key is replaced by those who are left, as long as "
		"they "
		"are enough.",
	.examples =
		"  rota ceremony prepare --yearly /media/stick/2027\n"
		"  rota ceremony prepare --replace 3f9a01c2=new.pem --reason 'token lost' lost\n"
		"  rota ceremony prepare --threshold root=3 three",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

/* The role, and who names its keys. */
static void add_role(struct rota_bundle_order *order, const struct rota_duty *role)
{
	order->roles[role - rota_duties] = true;
	order->roles[rolearg_holder(role)] = true;
}

/* A role with hash bins is signed together with all of them, where its tokens and the repository are (SPEC 3.7). */
static enum rota_err add_if_whole(
	struct session *s, struct rota_bundle_order *order, const struct rota_duty *role)
{
	json_t *content;

	if (rota_party_online(rota_authdir_party(&s->dir, role->name)))
		return ROTA_OK;
	ROTA_TRY(rota_store_signed(&s->dir, role->name, &content, &s->why));
	if (role->paths && json_object_get(content, "delegations"))
		fprintf(stderr,
			"rota: role %s has bins and is left out; rota repo bins --resign signs "
			"them\n",
			role->name);
	else
		order->roles[role - rota_duties] = true;
	json_decref(content);
	return ROTA_OK;
}

static enum rota_err fill_roles(struct session *s, struct rota_bundle_order *order)
{
	const struct rota_duty *role;

	for (size_t i = 0; yearly && i < ROTA_DUTY_COUNT; i++)
		ROTA_TRY(add_if_whole(s, order, &rota_duties[i]));
	for (size_t i = 0; i < roles.count; i++) {
		role = rota_duty_find(roles.at[i]);
		if (!role)
			return rota_fail(
				&s->why, ROTA_ERR_ARGUMENT, "--role %s is no role", roles.at[i]);
		order->roles[role - rota_duties] = true;
	}
	for (size_t i = 0; i < threshold.count; i++)
		if (rolearg(threshold.at[i], &role))
			add_role(order, role);
	return ceremony_thresholds(s, &threshold);
}

static enum rota_err fill_keys(struct session *s, struct rota_bundle_order *order)
{
	static struct rota_bundle_keyset sets[OPTS_LIST_MAX];

	for (size_t i = 0; i < keys.count; i++) {
		const struct rota_duty *role;

		sets[i].file = rolearg(keys.at[i], &role);
		if (!sets[i].file)
			return rota_fail(&s->why, ROTA_ERR_ARGUMENT, "--keys %s is not ROLE=FILE",
				keys.at[i]);
		sets[i].role = role->name;
		add_role(order, role);
	}
	order->rekeying.sets = sets;
	order->rekeying.set_count = keys.count;
	return ROTA_OK;
}

/* The roles that a key signs for and people hold: those whose list of keys changes. */
static enum rota_err add_uses(
	struct session *s, struct rota_bundle_order *order, const struct rota_key_info *key)
{
	bool any = false;

	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++) {
		if (!rota_key_has_use(key->uses, rota_duties[i].name) || !key->named ||
			rota_party_online(rota_authdir_party(&s->dir, rota_duties[i].name)))
			continue;
		add_role(order, &rota_duties[i]);
		any = true;
	}
	if (any)
		return ROTA_OK;
	return rota_fail(&s->why, ROTA_ERR_ARGUMENT,
		"key %.16s is none that people sign a role with; an online one is replaced by "
		"naming the new one in rota.ini",
		key->id);
}

static enum rota_err fill_swap(struct session *s, const struct rota_keys *k, const char *text,
	struct rota_bundle_order *order, struct rota_bundle_swap *swap)
{
	const struct rota_key_info *old;
	char id[ROTA_DIGEST_HEX];

	ROTA_TRY(swaparg(k, text, swap, &old, &s->why));
	rota_p256_key_id(swap->point, id);
	for (size_t i = 0; i < rota_keys_count(k); i++)
		if (strcmp(rota_keys_at(k, i)->id, id) == 0 &&
			rota_keys_at(k, i)->state != ROTA_KEY_PRE_ACTIVE)
			return rota_fail(&s->why, ROTA_ERR_STATE,
				"--replace %s: that key is %s already; make a new one with rota "
				"keys make",
				text, rota_key_state_text(rota_keys_at(k, i)->state));
	return add_uses(s, order, old);
}

static enum rota_err fill_swaps(struct session *s, struct rota_bundle_order *order)
{
	static struct rota_bundle_swap swaps[OPTS_LIST_MAX];
	struct rota_keys *k;
	enum rota_err err;

	order->rekeying.swaps = swaps;
	order->rekeying.swap_count = replace.count;
	if (!replace.count)
		return ROTA_OK;
	ROTA_TRY(rota_keys_load(&s->dir, &k, &s->why));
	err = ROTA_OK;
	for (size_t i = 0; i < replace.count && err == ROTA_OK; i++)
		err = fill_swap(s, k, replace.at[i], order, &swaps[i]);
	rota_keys_free(k);
	return err;
}

static json_t *parts_of(const struct rota_bundle *bundle)
{
	json_t *list = json_array();
	struct rota_bundle_part part;

	for (size_t i = 0; rota_bundle_part(bundle, i, &part); i++)
		json_array_append_new(list,
			json_pack("{s:s,s:I}", "role", part.role, "version",
				(json_int_t)rota_chain_version(part.content)));
	return list;
}

static const char *purpose(void)
{
	if (threshold.count)
		return "threshold";
	if (keys.count || replace.count)
		return "keys";
	return yearly ? "yearly" : "roles";
}

static void report(const char *folder, const char *fingerprint, json_t *parts)
{
	json_t *whole;

	if (!json) {
		for (size_t i = 0; i < json_array_size(parts); i++) {
			const json_t *part = json_array_get(parts, i);

			printf("%s version %lld\n",
				json_string_value(json_object_get(part, "role")),
				(long long)json_integer_value(json_object_get(part, "version")));
		}
		printf("fingerprint %s\n%s: read the fingerprint to each signer; there: rota "
		       "ceremony sign, here afterwards: rota ceremony finish\n",
			fingerprint, folder);
		return;
	}
	whole = json_pack(
		"{s:s,s:s,s:O}", "fingerprint", fingerprint, "folder", folder, "parts", parts);
	json_dumpf(whole, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
	printf("\n");
	json_decref(whole);
}

/* Bundle and transcript in a folder that is there whole or not. */
static enum rota_err write_folder(struct session *s, const char *folder, const struct ceremony *c)
{
	char *making = rota_text("%s.making", folder);
	char path[CEREMONY_PATH_MAX];
	enum rota_err err = rota_file_mkdir_anew(making, 0755, &s->why);

	if (err == ROTA_OK) {
		ceremony_path(making, "bundle", path);
		err = rota_bundle_save(&c->bundle, path, &s->why);
		ceremony_path(making, "transcript", path);
		if (err == ROTA_OK)
			err = rota_transcript_save(&c->transcript, path, &s->why);
		if (err == ROTA_OK)
			err = rota_file_rename(making, folder, &s->why);
		if (err != ROTA_OK)
			rota_file_remove_tree(making);
	}
	free(making);
	return err;
}

static enum rota_err begin(struct session *s, struct ceremony *c, json_t *parts)
{
	json_t *line;

	ROTA_TRY(rota_fingerprint(&c->bundle, c->fingerprint, &s->why));
	line = ceremony_line("prepared", c->fingerprint, s->desk.now);
	json_object_set(line, "parts", parts);
	json_object_set_new(line, "product", json_string(s->dir.product));
	json_object_set_new(line, "purpose", json_string(purpose()));
	if (json_object_set_new(line, "reason", json_string(reason)) != 0) {
		json_decref(line);
		return rota_fail(&s->why, ROTA_ERR_ARGUMENT, "--reason is not UTF-8");
	}
	return rota_transcript_add(&c->transcript, line, &s->why);
}

static enum rota_err run(struct session *s, const char *folder)
{
	struct rota_bundle_order order = { 0 };
	struct ceremony c = { .folder = folder };
	enum rota_err err;
	json_t *parts;

	if (rota_file_exists(folder))
		return rota_fail(
			&s->why, ROTA_ERR_STATE, "%s is there already; name a new folder", folder);
	ROTA_TRY(fill_roles(s, &order));
	ROTA_TRY(fill_keys(s, &order));
	ROTA_TRY(fill_swaps(s, &order));
	ROTA_TRY(rota_bundle_make(&s->desk, &order, &c.bundle, &s->why));
	rota_transcript_begin(&c.transcript);
	parts = parts_of(&c.bundle);
	err = begin(s, &c, parts);
	if (err == ROTA_OK)
		err = write_folder(s, folder, &c);
	if (err == ROTA_OK)
		report(folder, c.fingerprint, parts);
	json_decref(parts);
	ceremony_close(&c);
	return err;
}

int verb_ceremony_prepare(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (!yearly && !(roles.count + keys.count + replace.count + threshold.count))
		return opts_wrong(
			&usage, "say what for: --yearly, --role, --replace, --keys or --threshold");
	if (strlen(reason) > REASON_MAX)
		return opts_wrong(&usage, "a reason has at most %d bytes", REASON_MAX);
	opts_trim_slashes(argv[at]);
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s, argv[at]));
}
