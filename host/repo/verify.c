/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/verify.h"
#include "host/base/file.h"
#include "host/repo/metadata.h"
#include "host/sign/envelope.h"
#include "rota/trust/path.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SPEC 4.8: root updates in one session; here, of a repository's life that is walked in one go. */
#define ROOTS_MAX 100000

struct walk {
	const char *repo;
	uint64_t now;
	const struct rota_verify_sink *sink;
	struct rota_verify_result *result;
	json_t *root; /* `signed` of the newest root */
	json_t *snapshot, *targets;
};

static void say(struct walk *w, bool good, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct walk *w, bool good, const char *format, ...)
{
	char text[640];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (good)
		w->result->good++;
	else
		w->result->bad++;
	w->sink->say(w->sink->ctx, good, text);
}

static uint64_t number(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

static enum rota_err read_metadata(
	const struct walk *w, const char *name, struct rota_bytes *file, struct rota_fail *why)
{
	char *path = rota_text("%s/metadata/%s", w->repo, name);
	enum rota_err err = rota_file_read(path, ROTA_ENVELOPE_MAX, file, why);

	free(path);
	return err;
}

/* The file against what its parent says of it. */
static enum rota_err check_entry(struct rota_span file, const json_t *entry, struct rota_fail *why)
{
	const json_t *hashes = json_object_get(entry, "hashes");
	const char *want = json_string_value(json_object_get(hashes, "sha256"));
	char hex[ROTA_DIGEST_HEX];

	rota_digest_hex(file, hex);
	if (json_object_get(entry, "length") && number(entry, "length") != file.len)
		return rota_fail(why, ROTA_ERR_LENGTH, "length is %zu, not the announced %llu",
			file.len, (unsigned long long)number(entry, "length"));
	if (want && strcmp(want, hex) != 0)
		return rota_fail(why, ROTA_ERR_HASH, "SHA-256 is not the announced one");
	return ROTA_OK;
}

static void check_expiry(struct walk *w, const char *name, const json_t *content)
{
	uint64_t issued, expires;

	if (!rota_metadata_times(content, &issued, &expires))
		say(w, false, "%s: no x-rota-issued or no expires", name);
	else if (expires <= w->now)
		say(w, false, "%s: expired at %s", name,
			json_string_value(json_object_get(content, "expires")));
	else if (issued > w->now + 600)
		say(w, false, "%s: issued at %s, in the future (SPEC 4.5)", name,
			json_string_value(json_object_get(content, "x-rota-issued")));
}

/* Read, hold against the parent's entry, verify under (keys, keyids, threshold). NULL: said why not. */
static json_t *check_role(struct walk *w, const char *name, const json_t *entry, const json_t *keys,
	const json_t *role)
{
	struct rota_bytes file;
	struct rota_fail why;
	json_t *content = NULL;
	enum rota_err err = read_metadata(w, name, &file, &why);

	if (err == ROTA_OK) {
		if (entry)
			err = check_entry(rota_bytes_span(&file), entry, &why);
		if (err == ROTA_OK)
			err = rota_envelope_verify(rota_bytes_span(&file), keys,
				json_object_get(role, "keyids"),
				(unsigned)number(role, "threshold"), &content, &why);
		rota_bytes_free(&file);
	}
	if (err == ROTA_OK && entry && number(entry, "version") != number(content, "version"))
		err = rota_fail(&why, ROTA_ERR_VERSION, "version is not the announced one");
	say(w, err == ROTA_OK, "%s%s%s", name, err == ROTA_OK ? "" : ": ",
		err == ROTA_OK ? "" : why.text);
	if (err != ROTA_OK) {
		json_decref(content);
		return NULL;
	}
	check_expiry(w, name, content);
	return content;
}

static const json_t *top_role(const json_t *root, const char *role)
{
	return json_object_get(json_object_get(root, "roles"), role);
}

/* The next root must carry its predecessor's threshold and its own (TUF 5.3.4). */
static bool advance(struct walk *w, uint64_t version)
{
	struct rota_bytes file;
	struct rota_fail why;
	json_t *next = NULL, *again = NULL;
	char name[64];
	enum rota_err err;

	snprintf(name, sizeof(name), "%llu.root.json", (unsigned long long)version);
	if (read_metadata(w, name, &file, &why) != ROTA_OK)
		return false;
	err = rota_envelope_verify(rota_bytes_span(&file), json_object_get(w->root, "keys"),
		json_object_get(top_role(w->root, "root"), "keyids"),
		(unsigned)number(top_role(w->root, "root"), "threshold"), &next, &why);
	if (err == ROTA_OK)
		err = rota_envelope_verify(rota_bytes_span(&file), json_object_get(next, "keys"),
			json_object_get(top_role(next, "root"), "keyids"),
			(unsigned)number(top_role(next, "root"), "threshold"), &again, &why);
	if (err == ROTA_OK && number(next, "version") != version)
		err = rota_fail(&why, ROTA_ERR_VERSION, "holds another version");
	rota_bytes_free(&file);
	json_decref(again);
	say(w, err == ROTA_OK, "%s%s%s", name, err == ROTA_OK ? "" : ": ",
		err == ROTA_OK ? "" : why.text);
	if (err != ROTA_OK) {
		json_decref(next);
		return false;
	}
	json_decref(w->root);
	w->root = next;
	return true;
}

/* The anchor verifies under itself; from there upwards. */
static enum rota_err walk_roots(struct walk *w, const char *anchor, struct rota_fail *why)
{
	char *path =
		anchor ? rota_text("%s", anchor) : rota_text("%s/metadata/1.root.json", w->repo);
	struct rota_bytes file;
	json_t *whole = NULL, *content;
	enum rota_err err = rota_file_read(path, ROTA_ENVELOPE_MAX, &file, why);

	if (err == ROTA_OK) {
		err = rota_json_parse_strict(rota_bytes_span(&file), &whole, why);
		content = json_object_get(whole, "signed");
		if (err == ROTA_OK)
			err = rota_envelope_verify(rota_bytes_span(&file),
				json_object_get(content, "keys"),
				json_object_get(top_role(content, "root"), "keyids"),
				(unsigned)number(top_role(content, "root"), "threshold"), &w->root,
				why);
		json_decref(whole);
		rota_bytes_free(&file);
	}
	if (err != ROTA_OK)
		rota_fail_in(why, "%s", path);
	else
		say(w, true, "%s", path);
	free(path);
	ROTA_TRY(err);
	for (uint64_t n = number(w->root, "version") + 1; n < ROOTS_MAX && advance(w, n); n++)
		;
	check_expiry(w, "root", w->root);
	return ROTA_OK;
}

static void check_target(struct walk *w, const char *role, const char *pattern, const char *path,
	const json_t *entry)
{
	const char *slash = strrchr(path, '/');
	int dir_len = slash ? (int)(slash - path + 1) : 0;
	const char *want =
		json_string_value(json_object_get(json_object_get(entry, "hashes"), "sha256"));
	uint8_t digest[ROTA_DIGEST_LEN] = { 0 };
	char hex[ROTA_DIGEST_HEX];
	struct rota_fail why;
	uint64_t len;
	char *file;
	enum rota_err err;

	if (!want || !rota_path_match(rota_span_cstr(pattern), rota_span_cstr(path))) {
		say(w, false, "%s: role %s may not list it (%s)", path, role, pattern);
		return;
	}
	file = rota_text("%s/targets/%.*s%s.%s", w->repo, dir_len, path, want, path + dir_len);
	err = rota_digest_file(file, NULL, &len, digest, &why);
	rota_hex(ROTA_SPAN(digest), hex);
	if (err == ROTA_OK && (len != number(entry, "length") || strcmp(hex, want) != 0))
		err = rota_fail(
			&why, ROTA_ERR_HASH, "%s: length or SHA-256 is not the listed one", file);
	say(w, err == ROTA_OK, "%s", err == ROTA_OK ? path : why.text);
	free(file);
}

static void check_delegation(struct walk *w, const json_t *keys, const json_t *role)
{
	const char *name = json_string_value(json_object_get(role, "name"));
	const char *pattern = json_string_value(json_array_get(json_object_get(role, "paths"), 0));
	char file[96], listed[80];
	const json_t *entry;
	const char *path;
	json_t *content, *target;

	if (!name || !pattern || strlen(name) > 64) {
		say(w, false, "targets: a delegation without name or path");
		return;
	}
	snprintf(listed, sizeof(listed), "%s.json", name);
	entry = json_object_get(json_object_get(w->snapshot, "meta"), listed);
	snprintf(file, sizeof(file), "%llu.%s", (unsigned long long)number(entry, "version"),
		listed);
	content = check_role(w, file, entry, keys, role);
	json_object_foreach(json_object_get(content, "targets"), path, target)
		check_target(w, name, pattern, path, target);
	json_decref(content);
}

static void walk_targets(struct walk *w)
{
	const json_t *delegations = json_object_get(w->targets, "delegations");
	const json_t *roles = json_object_get(delegations, "roles");

	for (size_t i = 0; i < json_array_size(roles); i++)
		check_delegation(w, json_object_get(delegations, "keys"), json_array_get(roles, i));
}

static void walk_top(struct walk *w)
{
	const json_t *keys = json_object_get(w->root, "keys"), *entry;
	char name[64];
	json_t *timestamp =
		check_role(w, "timestamp.json", NULL, keys, top_role(w->root, "timestamp"));

	if (!timestamp)
		return;
	entry = json_object_get(json_object_get(timestamp, "meta"), "snapshot.json");
	snprintf(name, sizeof(name), "%llu.snapshot.json",
		(unsigned long long)number(entry, "version"));
	w->snapshot = check_role(w, name, entry, keys, top_role(w->root, "snapshot"));
	json_decref(timestamp);
	if (!w->snapshot)
		return;
	entry = json_object_get(json_object_get(w->snapshot, "meta"), "targets.json");
	snprintf(name, sizeof(name), "%llu.targets.json",
		(unsigned long long)number(entry, "version"));
	w->targets = check_role(w, name, entry, keys, top_role(w->root, "targets"));
	if (w->targets)
		walk_targets(w);
}

enum rota_err rota_repo_verify(const char *repo, const char *anchor, uint64_t now,
	const struct rota_verify_sink *sink, struct rota_verify_result *out, struct rota_fail *why)
{
	struct walk w = { .repo = repo, .now = now, .sink = sink, .result = out };
	enum rota_err err;

	*out = (struct rota_verify_result){ 0 };
	err = walk_roots(&w, anchor, why);
	if (err == ROTA_OK)
		walk_top(&w);
	json_decref(w.root);
	json_decref(w.snapshot);
	json_decref(w.targets);
	return err;
}
