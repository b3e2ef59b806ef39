/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/verify.h"
#include "host/base/file.h"
#include "host/repo/hint.h"
#include "host/repo/metadata.h"
#include "host/repo/verify_parts.h"
#include "host/sign/envelope.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SPEC 4.8: root updates in one session; here, of a repository's life that is walked in one go. */
#define ROOTS_MAX 100000

void rota_verify_say(struct rota_verify_walk *w, bool good, const char *format, ...)
{
	char text[640];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	w->result->good += good;
	w->result->bad += !good;
	w->sum.bad += !good;
	w->sink->say(w->sink->ctx, good, text);
}

void rota_verify_begin(struct rota_verify_walk *w, const char *role)
{
	w->sum = (struct rota_verify_sum){ .role = role };
}

void rota_verify_end(struct rota_verify_walk *w)
{
	if (w->sink->sum)
		w->sink->sum(w->sink->ctx, &w->sum);
}

uint64_t rota_verify_number(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

static enum rota_err read_metadata(const struct rota_verify_walk *w, const char *name,
	struct rota_bytes *file, struct rota_fail *why)
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
	if (json_object_get(entry, "length") && rota_verify_number(entry, "length") != file.len)
		return rota_fail(why, ROTA_ERR_LENGTH, "length is %zu, not the announced %llu",
			file.len, (unsigned long long)rota_verify_number(entry, "length"));
	if (want && strcmp(want, hex) != 0)
		return rota_fail(why, ROTA_ERR_HASH, "SHA-256 is not the announced one");
	return ROTA_OK;
}

static void check_expiry(struct rota_verify_walk *w, const char *name, const json_t *content)
{
	uint64_t issued, expires;

	if (!rota_metadata_times(content, &issued, &expires))
		rota_verify_say(w, false, "%s: no x-rota-issued or no expires", name);
	else if (expires <= w->now)
		rota_verify_say(w, false, "%s: expired at %s", name,
			json_string_value(json_object_get(content, "expires")));
	else if (issued > w->now + 600)
		rota_verify_say(w, false, "%s: issued at %s, in the future (SPEC 4.5)", name,
			json_string_value(json_object_get(content, "x-rota-issued")));
}

/* Read, hold against the parent's entry, verify under (keys, keyids, threshold). NULL: said why not. */
json_t *rota_verify_role(struct rota_verify_walk *w, const char *name, const json_t *entry,
	const json_t *keys, const json_t *role)
{
	struct rota_bytes file;
	struct rota_fail why;
	json_t *content = NULL;
	char *below = rota_text("metadata/%s", name);
	enum rota_err err = read_metadata(w, name, &file, &why);

	rota_reach_add(&w->reached, below);
	free(below);
	w->sum.files++;
	if (err == ROTA_OK) {
		if (entry)
			err = check_entry(rota_bytes_span(&file), entry, &why);
		if (err == ROTA_OK)
			err = rota_envelope_verify(rota_bytes_span(&file), keys,
				json_object_get(role, "keyids"),
				(unsigned)rota_verify_number(role, "threshold"), &content, &why);
		rota_bytes_free(&file);
	}
	if (err == ROTA_OK && entry &&
		rota_verify_number(entry, "version") != rota_verify_number(content, "version"))
		err = rota_fail(&why, ROTA_ERR_VERSION, "version is not the announced one");
	rota_verify_say(w, err == ROTA_OK, "%s%s%s", name, err == ROTA_OK ? "" : ": ",
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
static bool advance(struct rota_verify_walk *w, uint64_t version)
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
		(unsigned)rota_verify_number(top_role(w->root, "root"), "threshold"), &next, &why);
	if (err == ROTA_OK)
		err = rota_envelope_verify(rota_bytes_span(&file), json_object_get(next, "keys"),
			json_object_get(top_role(next, "root"), "keyids"),
			(unsigned)rota_verify_number(top_role(next, "root"), "threshold"), &again,
			&why);
	if (err == ROTA_OK && rota_verify_number(next, "version") != version)
		err = rota_fail(&why, ROTA_ERR_VERSION, "holds another version");
	rota_bytes_free(&file);
	json_decref(again);
	w->sum.files++;
	rota_verify_say(w, err == ROTA_OK, "%s%s%s", name, err == ROTA_OK ? "" : ": ",
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
static enum rota_err walk_roots(
	struct rota_verify_walk *w, const char *anchor, struct rota_fail *why)
{
	char *path =
		anchor ? rota_text("%s", anchor) : rota_text("%s/metadata/1.root.json", w->repo);
	struct rota_bytes file;
	json_t *whole = NULL, *content;
	enum rota_err err = rota_file_read(path, ROTA_ENVELOPE_MAX, &file, why);

	rota_verify_begin(w, "root");
	if (err == ROTA_OK) {
		err = rota_json_parse_strict(rota_bytes_span(&file), &whole, why);
		content = json_object_get(whole, "signed");
		if (err == ROTA_OK)
			err = rota_envelope_verify(rota_bytes_span(&file),
				json_object_get(content, "keys"),
				json_object_get(top_role(content, "root"), "keyids"),
				(unsigned)rota_verify_number(
					top_role(content, "root"), "threshold"),
				&w->root, why);
		json_decref(whole);
		rota_bytes_free(&file);
	}
	if (err != ROTA_OK)
		rota_fail_in(why, "%s", path);
	else
		rota_verify_say(w, true, "%s", path);
	free(path);
	ROTA_TRY(err);
	w->sum.files++;
	for (uint64_t n = rota_verify_number(w->root, "version") + 1;
		n < ROOTS_MAX && advance(w, n); n++)
		;
	check_expiry(w, "root", w->root);
	rota_verify_end(w);
	return ROTA_OK;
}

/* The file of a top-level role as its parent lists it; timestamp has none. */
static json_t *check_top(struct rota_verify_walk *w, const char *role, const json_t *parent)
{
	char listed[32], name[64];
	const json_t *entry;
	json_t *content;

	snprintf(listed, sizeof(listed), "%s.json", role);
	snprintf(name, sizeof(name), "%s", listed);
	entry = json_object_get(json_object_get(parent, "meta"), listed);
	if (parent)
		snprintf(name, sizeof(name), "%llu.%s",
			(unsigned long long)rota_verify_number(entry, "version"), listed);
	rota_verify_begin(w, role);
	content = rota_verify_role(
		w, name, entry, json_object_get(w->root, "keys"), top_role(w->root, role));
	rota_verify_end(w);
	return content;
}

static void walk_top(struct rota_verify_walk *w)
{
	json_t *timestamp = check_top(w, "timestamp", NULL);

	if (timestamp)
		w->snapshot = check_top(w, "snapshot", timestamp);
	json_decref(timestamp);
	if (w->snapshot)
		w->targets = check_top(w, "targets", w->snapshot);
	if (w->targets)
		rota_verify_targets(w);
}

/* What says which roots there are must say so of those that are there (SPEC 3.8). */
static enum rota_err check_hint(struct rota_verify_walk *w, struct rota_fail *why)
{
	char *metadata = rota_text("%s/metadata", w->repo);
	struct rota_bytes want, is = { 0 };
	struct rota_fail no;
	enum rota_err err = rota_hint_make(metadata, &want, why);

	free(metadata);
	ROTA_TRY(err);
	rota_verify_begin(w, "root-hint");
	w->sum.files++;
	if (read_metadata(w, ROTA_HINT_NAME, &is, &no) != ROTA_OK)
		rota_verify_say(
			w, false, "%s: %s; rota publish writes it", ROTA_HINT_NAME, no.text);
	else if (!rota_span_eq(rota_bytes_span(&is), rota_bytes_span(&want)))
		rota_verify_say(w, false,
			"%s: does not say which roots there are; rota publish writes it anew",
			ROTA_HINT_NAME);
	else
		rota_verify_say(w, true, ROTA_HINT_NAME);
	rota_verify_end(w);
	rota_bytes_free(&want);
	rota_bytes_free(&is);
	return ROTA_OK;
}

enum rota_err rota_repo_verify(const struct rota_verify_plan *plan,
	const struct rota_verify_sink *sink, struct rota_verify_result *out, struct rota_fail *why)
{
	struct rota_verify_walk w = {
		.repo = plan->repo, .plan = plan, .now = plan->now, .sink = sink, .result = out
	};
	enum rota_err err;

	*out = (struct rota_verify_result){ 0 };
	err = walk_roots(&w, plan->anchor, why);
	if (err == ROTA_OK)
		err = check_hint(&w, why);
	if (err == ROTA_OK)
		walk_top(&w);
	if (err == ROTA_OK && w.targets && !plan->metadata_only)
		err = rota_verify_strays(&w, why);
	json_decref(w.root);
	json_decref(w.snapshot);
	json_decref(w.targets);
	rota_reach_free(&w.reached);
	return err;
}
