/* SPDX-License-Identifier: Apache-2.0 */
/* rota repo export: what offline signers shall sign, in one file to be carried to them. */
#include "apps/rota/opts.h"
#include "apps/rota/rolearg.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/repo/bundle_make.h"
#include "host/repo/chain.h"
#include "host/repo/pending.h"

#include <stdio.h>
#include <string.h>

static struct opts_list roles, keys;
static bool drop, json;

static const struct opts_row rows[] = {
	{ "role", "ROLE", "offline role to be signed; may repeat", OPTS_LIST, &roles },
	{ "keys", "ROLE=FILE", "the public keys that root or targets names for an offline role",
		OPTS_LIST, &keys },
	{ "drop", NULL, "forget what waits for these roles; no FILE", OPTS_FLAG, &drop },
	{ "json", NULL, "print what was exported as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota repo export --role ROLE [OPTION]... FILE",
	.text = "Writes what the offline signers of the roles shall sign next to FILE: what `rota "
		"release add\n"
		"--unsigned` left waiting, or, when nothing waits, the role as it is with new "
		"times. "
		"Carry FILE\n"
		"to them, have them run `rota repo sign`, and bring it back to `rota repo import`. "
		"Root and\n"
		"targets name the keys of the online tokens as they are in rota.ini now, and keep "
		"people's\n"
		"keys unless --keys names a file of PEM public keys.",
	.examples =
		"  rota release add --version 2.0.0 --image s2.img --unsigned\n"
		"  rota repo export --role releases /media/stick/release-2\n"
		"  rota repo export --role root --role targets yearly\n"
		"  rota repo export --role targets --role releases --keys releases=keys.pem new\n"
		"  rota repo export --drop --role releases",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 1,
};

static int fill_roles(struct rota_bundle_order *order)
{
	for (size_t i = 0; i < roles.count; i++) {
		const struct rota_duty *duty = rota_duty_find(roles.at[i]);

		if (!duty)
			return opts_wrong(&usage, "--role %s is no role", roles.at[i]);
		order->roles[duty - rota_duties] = true;
	}
	return roles.count ? 0 : opts_wrong(&usage, "--role ROLE is needed");
}

/* "ROLE=FILE" of each --keys. */
static int fill_keys(struct rota_bundle_order *order)
{
	static struct rota_bundle_keyset sets[OPTS_LIST_MAX];

	for (size_t i = 0; i < keys.count; i++) {
		const struct rota_duty *role;

		sets[i].file = rolearg(keys.at[i], &role);
		if (!sets[i].file)
			return opts_wrong(&usage, "--keys %s is not ROLE=FILE", keys.at[i]);
		sets[i].role = role->name;
		if (!order->roles[rolearg_holder(role)])
			return opts_wrong(&usage,
				"--keys %s needs --role %s, which names those keys", keys.at[i],
				rota_duties[rolearg_holder(role)].name);
	}
	order->rekeying.sets = sets;
	order->rekeying.set_count = keys.count;
	return 0;
}

static enum rota_err drop_all(struct session *s)
{
	for (size_t i = 0; i < roles.count; i++)
		ROTA_TRY(rota_pending_settle(&s->dir, roles.at[i], NULL, &s->why));
	return ROTA_OK;
}

static void report(const struct rota_bundle *bundle, const char *file)
{
	json_t *list = json_array(), *whole;
	struct rota_bundle_part part;

	for (size_t i = 0; rota_bundle_part(bundle, i, &part); i++) {
		uint64_t version = rota_chain_version(part.content);

		json_array_append_new(list,
			json_pack("{s:s,s:I}", "role", part.role, "version", (json_int_t)version));
		if (!json)
			printf("%s: %s version %llu\n", file, part.role,
				(unsigned long long)version);
	}
	whole = json_pack("{s:s,s:o}", "file", file, "parts", list);
	if (json) {
		json_dumpf(whole, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
	} else {
		printf("not signed yet: rota repo sign on the offline machine, then rota repo "
		       "import "
		       "here\n");
	}
	json_decref(whole);
}

static enum rota_err export(
	struct session *s, const struct rota_bundle_order *order, const char *file) {
	struct rota_bundle bundle; enum rota_err err;

	ROTA_TRY(rota_bundle_make(&s->desk, order, &bundle, &s->why));
	err = rota_bundle_save(&bundle, file, &s->why);
	if (err == ROTA_OK) report(&bundle, file);
	rota_bundle_free(&bundle);
	return err;
}

int verb_repo_export(int argc, char **argv)
{
	struct rota_bundle_order order = { 0 };
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	status = fill_roles(&order);
	if (!status)
		status = fill_keys(&order);
	if (!status && drop == (at < argc))
		status = opts_wrong(&usage, drop ? "--drop writes no FILE" : "FILE is missing");
	if (status)
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	err = drop ? drop_all(&s) : export(&s, &order, argv[at]);
	return session_close(&s, err);
}
