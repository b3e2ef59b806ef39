/* SPDX-License-Identifier: Apache-2.0 */
/* rota retire: what is over for good, signed by the people of the role retirements. */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/pki/hierarchy.h"
#include "host/repo/retire.h"
#include "host/sign/duty.h"
#include "rota/codec/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *product, *boot_key;
static struct opts_list counters, cas;
static bool json, unsigned_;

static const struct opts_row rows[] = {
	{ "counter", "HARDWARE=N", "below security counter N no image boots; may repeat", OPTS_LIST,
		&counters },
	{ "boot-key", "N", "first image key in ROM that counts: 1 retires key 0", OPTS_TEXT,
		&boot_key },
	{ "ca", "FILE", "an authority whose certificate this is counts no more; may repeat",
		OPTS_LIST, &cas },
	{ "unsigned", NULL, "its signers are offline: leave it waiting for rota repo export",
		OPTS_FLAG, &unsigned_ },
	{ "product", "NAME", "product (default: rota.ini's)", OPTS_TEXT, &product },
	{ "json", NULL, "print what was made, or what stands, as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis =
		"rota retire [--counter HARDWARE=N]... [--boot-key N] [--ca FILE]... [OPTION]...",
	.text = "Raises floors that never fall again. A device takes the counter floor of its "
		"hardware id and\n"
		"burns it, a few steps at a boot, never above what it runs and has confirmed; a "
		"boot key\n"
		"goes when what runs is signed by a later one. Raise a floor when the release "
		"with that\n"
		"counter is everywhere: what is below can then not be gone back to. `rota publish` "
		"makes it\n"
		"count. Without --counter, --boot-key and --ca it says what stands. (Data keys: "
		"rota campaign\nretire.)",
	.examples = "  rota retire\n"
		    "  rota retire --counter board-a=7 --counter board-b=3\n"
		    "  rota retire --boot-key 1 --unsigned\n"
		    "  rota retire --ca ca/device-ca-3f9a01c2.pem",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

/* "HARDWARE=N" taken apart; the name into `hardware`. */
static bool parse(const char *text, char hardware[static ROTA_NAME_MAX + 1], uint64_t *counter)
{
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : 0;

	if (len == 0 || len > ROTA_NAME_MAX)
		return false;
	memcpy(hardware, text, len);
	hardware[len] = 0;
	return rota_name_ok(hardware) && opts_number(equals + 1, UINT32_MAX, counter) &&
		*counter > 0;
}

static int check(uint64_t *first)
{
	char hardware[ROTA_NAME_MAX + 1];
	uint64_t counter;

	for (size_t i = 0; i < counters.count; i++)
		if (!parse(counters.at[i], hardware, &counter))
			return opts_wrong(
				&usage, "--counter %s is not HARDWARE=N, N from 1", counters.at[i]);
	if (boot_key && (!opts_number(boot_key, 1, first) || *first == 0))
		return opts_wrong(&usage, "--boot-key is 1: a ROM has two image keys, 0 and 1");
	return 0;
}

static enum rota_err change(json_t *file, uint64_t first, struct rota_fail *why)
{
	char hardware[ROTA_NAME_MAX + 1];
	uint8_t spki[ROTA_DIGEST_LEN];
	uint64_t counter;

	for (size_t i = 0; i < counters.count; i++)
		if (parse(counters.at[i], hardware, &counter))
			ROTA_TRY(rota_retire_counter(file, hardware, (uint32_t)counter, why));
	for (size_t i = 0; i < cas.count; i++) {
		ROTA_TRY(rota_hierarchy_spki(cas.at[i], spki, why));
		if (rota_retire_ca(file, spki, why) != ROTA_OK)
			return rota_fail_in(why, "%s", cas.at[i]);
	}
	return boot_key ? rota_retire_boot_key(file, (unsigned)first, why) : ROTA_OK;
}

static void say_others(const json_t *file)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(file, "keys"), i, one)
	{
		printf("  %-32s data keys up to generation %lld\n",
			json_string_value(json_object_get(one, "purpose")),
			(long long)json_integer_value(json_object_get(one, "generation")));
	}
	json_array_foreach(json_object_get(file, "cas"), i, one)
	{
		printf("  authority %s\n", json_string_value(one));
	}
}

static void say_standing(const json_t *file)
{
	const json_t *floors = json_object_get(file, "counter_floor"), *one;

	if (json) {
		json_dumpf(file, stdout, JSON_COMPACT | JSON_SORT_KEYS);
		printf("\n");
		return;
	}
	printf("sequence %lld, first boot key that counts: %lld\n",
		(long long)json_integer_value(json_object_get(file, "sequence")),
		(long long)json_integer_value(json_object_get(file, "key_floor")));
	for (size_t i = 0; i < json_array_size(floors); i++) {
		one = json_array_get(floors, i);
		printf("  %-32s counter floor %lld\n",
			json_string_value(json_object_get(one, "hardware")),
			(long long)json_integer_value(json_object_get(one, "counter")));
	}
	say_others(file);
}

static void say_done(const struct rota_ledger *l, const struct rota_ledger_done *done)
{
	unsigned long long sequence = done->sequence, version = done->role_version;

	if (json)
		printf("{\"path\":\"%s\",\"role_version\":%llu,\"sequence\":%llu}\n", l->path,
			version, sequence);
	else if (unsigned_)
		printf("%s sequence %llu waits for the signers of role retirements: rota repo "
		       "export --role retirements FILE\n",
			l->path, sequence);
	else
		printf("%s sequence %llu, role retirements version %llu\n"
		       "  it cannot be taken back once devices have it; rota publish makes it "
		       "count\n",
			l->path, sequence, version);
}

static enum rota_err run(struct session *s, uint64_t first)
{
	struct rota_ledger_done done;
	struct rota_ledger ledger;
	enum rota_err err;

	ROTA_TRY(rota_ledger_open(&s->dir, &rota_retirements_kind,
		product ? product : s->dir.product, &ledger, &s->why));
	if (counters.count == 0 && cas.count == 0 && !boot_key) {
		say_standing(ledger.file);
		rota_ledger_close(&ledger);
		return ROTA_OK;
	}
	err = change(ledger.file, first, &s->why);
	if (err == ROTA_OK)
		err = rota_ledger_sign(&ledger, &s->desk, unsigned_, &done, &s->why);
	if (err == ROTA_OK)
		say_done(&ledger, &done);
	rota_ledger_close(&ledger);
	return err;
}

int verb_retire(int argc, char **argv)
{
	struct session s;
	uint64_t first = 0;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	status = check(&first);
	if (status)
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s, first));
}
