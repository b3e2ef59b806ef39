/* SPDX-License-Identifier: Apache-2.0 */
/* rota audit show: who had what signed, why, when, and from which build. */
#include "apps/rota/audit.h"
#include "apps/rota/audit_facts.h"
#include "apps/rota/audit_records.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/json.h"
#include "host/base/when.h"
#include "host/log/head.h"
#include "host/log/policy.h"
#include "host/log/walk.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool json;
static const char *policy_file, *journal, *records, *target, *role, *kind, *since;

static const struct opts_row rows[] = {
	{ "journal", "FOLDER", "the log's journal: says who and why too", OPTS_TEXT, &journal },
	{ "json", NULL, "a JSON object on each line", OPTS_FLAG, &json },
	{ "kind", "KIND", "only entries of this kind: granted, refused, release, ...", OPTS_TEXT,
		&kind },
	AUDIT_POLICY(&policy_file),
	{ "records", "FILE",
		"private records as rota audit export writes them: says who and why too", OPTS_TEXT,
		&records },
	{ "role", "ROLE", "only entries of this role or set of keys", OPTS_TEXT, &role },
	{ "since", "TIME", "only entries from this time on", OPTS_TEXT, &since },
	{ "target", "PATH", "only entries of this target", OPTS_TEXT, &target },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota audit show [OPTION]... [FOLDER]",
	.text = "Prints entries of a signing log (default: that of the repository). What is "
		"published says "
		"what and when;\n"
		"with --journal or --records also who asked, why, and who approved. In an "
		"authority directory\n"
		"keys have the names of DIR/keys, and a release the build that it came from. A "
		"folder that rota\n"
		"audit export made is read with its own log-policy, records and keys. Whether the "
		"log is whole\n"
		"says rota audit verify.",
	.examples = "  rota audit show --target releases/sensor/1.2.0/release.json --journal "
		    "/var/lib/rota-signd/log/journal\n"
		    "  rota audit show --role releases --since 2026-11-01T00:00:00Z",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 1,
};

/* By enum rota_leaf_kind. */
static const char *const kinds[] = { [ROTA_LEAF_OPENED] = "opened",
	[ROTA_LEAF_ASKED] = "asked",
	[ROTA_LEAF_APPROVED] = "approved",
	[ROTA_LEAF_GRANTED] = "granted",
	[ROTA_LEAF_FAILED] = "failed",
	[ROTA_LEAF_REFUSED] = "refused",
	[ROTA_LEAF_CEREMONY] = "ceremony",
	[ROTA_LEAF_KEY] = "key",
	[ROTA_LEAF_RELEASE] = "release",
	[ROTA_LEAF_PROMOTION] = "promotion",
	[ROTA_LEAF_SERIES] = "series",
	[ROTA_LEAF_INCIDENT] = "incident",
	[ROTA_LEAF_RECONCILED] = "reconciled",
	[ROTA_LEAF_POLICY] = "policy",
	[ROTA_LEAF_BUILD] = "build",
	[ROTA_LEAF_CAMPAIGN] = "campaign",
	[ROTA_LEAF_ISSUED] = "issued",
	[ROTA_LEAF_UNWRAPPED] = "unwrapped",
	[ROTA_LEAF_ROWS] = "rows",
	[ROTA_LEAF_CRL] = "crl",
	[ROTA_LEAF_RESPONDER] = "responder",
	[ROTA_LEAF_REVOKED] = "revoked" };

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const char *kind_name(uint8_t number)
{
	return number < KINDS && kinds[number] ? kinds[number] : "unknown";
}

static bool is_kind(const char *name)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i] && strcmp(kinds[i], name) == 0)
			return true;
	return false;
}

static bool wanted(const struct rota_leaf *leaf, uint64_t since_s)
{
	return (!target || rota_span_is(leaf->path, target)) &&
		(!role || rota_span_is(leaf->role, role)) &&
		(!kind || strcmp(kind_name(leaf->kind), kind) == 0) && leaf->at_s >= since_s;
}

static void put_digest(json_t *to, const char *name, const uint8_t digest[static ROTA_SHA256_LEN])
{
	static const uint8_t none[ROTA_SHA256_LEN];
	char hex[2 * ROTA_SHA256_LEN + 1];

	if (memcmp(digest, none, sizeof(none)) == 0)
		return;
	rota_hex(rota_span(digest, ROTA_SHA256_LEN), hex);
	json_object_set_new(to, name, json_string(hex));
}

static void put_text(json_t *to, const char *name, struct rota_span text)
{
	if (text.len > 0)
		json_object_set_new(to, name, json_stringn((const char *)text.p, text.len));
}

static struct audit_facts facts;

static json_t *describe(const struct rota_log_entry *e)
{
	const struct rota_leaf *leaf = &e->leaf;
	char when[ROTA_WHEN_LEN];
	struct rota_fail ignored;
	json_t *record = NULL, *out;

	rota_when_text(leaf->at_s, when);
	out = json_pack("{s:s,s:I,s:s}", "at", when, "index", (json_int_t)e->index, "kind",
		kind_name(leaf->kind));
	if (leaf->version > 0)
		json_object_set_new(out, "version", json_integer((json_int_t)leaf->version));
	put_text(out, "scope", leaf->scope);
	put_text(out, "role", leaf->role);
	put_text(out, "path", leaf->path);
	put_digest(out, "key", leaf->key);
	put_digest(out, "message", leaf->message);
	put_digest(out, "digest", leaf->digest);
	if (e->record.len > 0 && rota_json_parse(e->record, &record, &ignored) == ROTA_OK)
		json_object_set_new(out, "record", record);
	json_object_set_new(out, "build", audit_build(&facts, leaf));
	if (!json_object_get(out, "build") && json_object_get(record, "build"))
		json_object_set_new(out, "build",
			json_pack("{s:O}", "build", json_object_get(record, "build")));
	return out;
}

/* Whether a terminal shows it, and does nothing else. */
static bool is_plain(const char *text)
{
	while (*text >= ' ' && *text < 0x7f)
		text++;
	return *text == 0;
}

/* Clients and builds chose it: what is not plain stands there as JSON in ASCII. */
static void print_member(const json_t *from, const char *name, const char *before)
{
	const json_t *value = json_object_get(from, name);
	char *text;

	if (!value || json_is_null(value))
		return;
	if (json_is_string(value) && is_plain(json_string_value(value))) {
		printf("%s%s", before, json_string_value(value));
		return;
	}
	text = json_dumps(
		value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	if (text)
		printf("%s%s", before, text);
	free(text);
}

/* Whoever said yes, by his key. Each stands in the record as he signed it (SPEC 20.1). */
static void print_approvals(const json_t *record)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(record, "approvals"), i, one)
	{
		const char *text = json_string_value(one), *id;
		char name[AUDIT_KEY_MAX];
		struct rota_fail none;
		json_t *approval;

		if (!text || rota_json_parse(rota_span_cstr(text), &approval, &none) != ROTA_OK)
			continue;
		id = json_string_value(json_object_get(approval, "key"));
		audit_key_text(&facts, id && is_plain(id) ? id : "?", name);
		printf("%s%s", i ? ", " : ", approved by ", name);
		json_decref(approval);
	}
}

static void print_build(const json_t *build)
{
	const json_t *one;
	size_t i;

	print_member(build, "build", ", build ");
	json_array_foreach(json_object_get(build, "builders"), i, one)
	{
		print_member(one, "builder", ", built by ");
		print_member(one, "source", " from ");
		print_member(one, "revision", " at ");
	}
}

/* Of a file that is a target, or the settings. */
static void print_digest(const json_t *entry)
{
	const char *hex = json_string_value(json_object_get(entry, "digest"));

	if (hex)
		printf(" sha256 %.16s", hex);
}

static void print_key(const json_t *entry)
{
	const char *id = json_string_value(json_object_get(entry, "key"));
	char name[AUDIT_KEY_MAX];

	if (!id)
		return;
	audit_key_text(&facts, id, name);
	printf(", signed with %s", name);
}

static void print(const json_t *entry)
{
	const json_t *record = json_object_get(entry, "record");

	printf("%-6lld %s %-10s", (long long)json_integer_value(json_object_get(entry, "index")),
		json_string_value(json_object_get(entry, "at")),
		json_string_value(json_object_get(entry, "kind")));
	print_member(entry, "scope", " ");
	print_member(entry, "role", " ");
	print_member(entry, "version", " version ");
	print_member(entry, "path", " ");
	print_digest(entry);
	print_member(record, "client", ", asked by ");
	print_member(record, "reason", ": ");
	print_member(record, "code", ", refused as ");
	print_approvals(record);
	print_key(entry);
	print_build(json_object_get(entry, "build"));
	printf("\n");
}

struct showing {
	uint64_t since_s, count; /* count: of entries that were shown */
	struct audit_records records;
};

static enum rota_err take(void *ctx, const struct rota_log_entry *e, struct rota_fail *why)
{
	struct showing *s = ctx;
	struct rota_log_entry whole = *e;
	json_t *entry;

	if (s->records.file)
		ROTA_TRY(audit_records_of(&s->records, e, &whole.record, why));
	if (!wanted(&e->leaf, s->since_s))
		return ROTA_OK;
	s->count++;
	entry = describe(&whole);
	if (json) {
		json_dumpf(entry, stdout, JSON_SORT_KEYS | JSON_COMPACT);
		printf("\n");
	} else {
		print(entry);
	}
	json_decref(entry);
	return ROTA_OK;
}

/* The entries that the published checkpoint covers. */
static enum rota_err show_published(const struct audit_place *place,
	const struct rota_log_visitor *visitor, struct rota_fail *why)
{
	struct rota_bytes note = { 0 };
	struct rota_checkpoint at = { .size = 0 };
	uint32_t who;
	enum rota_err err =
		place->files.get(place->files.ctx, "checkpoint", ROTA_LOG_HEAD_MAX, &note, why);

	if (err == ROTA_OK)
		err = rota_log_policy_open(&rota_crypto_openssl, &place->policy,
			rota_bytes_span(&note), false, &at, &who, why);
	rota_bytes_free(&note);
	return err == ROTA_OK ? rota_log_walk(&place->files, at.size, visitor, why) : err;
}

/* The published log, with the private records that are at hand. */
static enum rota_err show_folder(const char *folder, const struct rota_log_visitor *visitor,
	struct showing *s, struct rota_fail *why)
{
	struct audit_place place;
	char *found = NULL;
	enum rota_err err = audit_open(&place, folder, policy_file, why);

	audit_facts_open(&facts, verb_dir(), place.export);
	if (!records)
		records = found = audit_records_in(&place);
	if (err == ROTA_OK && records)
		err = audit_records_open(&s->records, records, why);
	if (err == ROTA_OK)
		err = show_published(&place, visitor, why);
	audit_records_close(&s->records);
	audit_close(&place);
	free(found);
	return err;
}

static enum rota_err show_journal(const struct rota_log_visitor *visitor, struct rota_fail *why)
{
	audit_facts_open(&facts, verb_dir(), NULL);
	return rota_log_walk_journal(&rota_crypto_openssl, journal, visitor, why);
}

int verb_audit_show(int argc, char **argv)
{
	struct showing showing = { .count = 0 };
	const struct rota_log_visitor visitor = { .ctx = &showing, .take = take };
	struct rota_fail why;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (since && !rota_when_parse(since, &showing.since_s))
		return opts_wrong(&usage, "--since takes a time as 2026-11-22T00:00:00Z");
	if (kind && !is_kind(kind))
		return opts_wrong(
			&usage, "--kind %s is none of granted, refused, release, ...", kind);
	if (journal && (at < argc || records))
		return opts_wrong(
			&usage, "--journal has all that FOLDER and --records have: give it alone");
	err = journal ? show_journal(&visitor, &why)
		      : show_folder(at < argc ? argv[at] : NULL, &visitor, &showing, &why);
	audit_facts_close(&facts);
	if (err == ROTA_OK && showing.count == 0)
		fprintf(stderr, "rota: the log has no such entry\n");
	return err == ROTA_OK ? 0 : say_fail(&why);
}
