/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/bundle_record.h"
#include "host/base/when.h"
#include "host/repo/bins.h"

#include <string.h>

#define RECORD "signed"

/* Some 300 bytes a line: half a century of a signing every hour. */
#define RECORD_MAX (128 * 1024 * 1024)

static uint64_t number(const json_t *line, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(line, name));
}

static enum rota_err goes_back(struct rota_fail *why, const char *what, uint64_t has, uint64_t seen)
{
	return rota_fail(why, ROTA_ERR_VERSION,
		"goes back: it has %s version %llu, this machine has seen %llu; have the "
		"repository "
		"looked at before you sign",
		what, (unsigned long long)has, (unsigned long long)seen);
}

/* A role and its bins have the same keys, and a file does not say whose it is; this machine knows of those that it
 * signed. */
static enum rota_err check_place(const struct rota_bundle_item *item, const char *role,
	const char *digest, struct rota_fail *why)
{
	bool own = strcmp(item->role, item->duty->name) == 0;
	char hex[ROTA_DIGEST_HEX];

	rota_hex(ROTA_SPAN(item->was_digest), hex);
	if (!own || !rota_bins_named(item->role, role) || strcmp(digest, hex) != 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_ROLE,
		"role %s: 'current' is a file that this machine signed as %s; have the repository "
		"looked at before you sign",
		item->role, role);
}

/* One thing that was signed here, against what shall be signed now. */
static enum rota_err check_line(
	const struct rota_bundle_view *v, const json_t *line, bool again, struct rota_fail *why)
{
	const char *role = json_string_value(json_object_get(line, "role"));
	const char *digest = json_string_value(json_object_get(line, "digest"));

	if (number(line, "root") > rota_chain_version(v->root))
		return goes_back(why, "root", rota_chain_version(v->root), number(line, "root"));
	if (number(line, "targets") > rota_chain_version(v->targets))
		return goes_back(
			why, "targets", rota_chain_version(v->targets), number(line, "targets"));
	for (size_t i = 0; i < v->count; i++) {
		const struct rota_bundle_item *item = &v->items[i];
		uint64_t version = rota_chain_version(item->now);
		char hex[ROTA_DIGEST_HEX];

		ROTA_TRY(check_place(item, role, digest, why));
		if (strcmp(item->role, role) != 0)
			continue;
		if (number(line, "version") > version)
			return goes_back(why, role, version, number(line, "version"));
		rota_hex(ROTA_SPAN(item->digest), hex);
		if (number(line, "version") == version && strcmp(digest, hex) != 0 && !again)
			return rota_fail(why, ROTA_ERR_STATE,
				"this machine signed another version %llu of role %s at %s; when "
				"that one will not be used, sign with --again",
				(unsigned long long)version, role,
				json_string_value(json_object_get(line, "at")));
	}
	return ROTA_OK;
}

static bool is_line(const json_t *line)
{
	return rota_json_members(line, "at digest role root targets version") &&
		json_is_string(json_object_get(line, "at")) &&
		json_is_string(json_object_get(line, "digest")) &&
		json_is_string(json_object_get(line, "role")) &&
		json_is_integer(json_object_get(line, "root")) &&
		json_is_integer(json_object_get(line, "targets")) &&
		json_is_integer(json_object_get(line, "version"));
}

static enum rota_err each_line(struct rota_span text,
	enum rota_err (*each)(void *ctx, const json_t *line, struct rota_fail *why), void *ctx,
	struct rota_fail *why)
{
	size_t row = 0;

	while (text.len) {
		const uint8_t *end = memchr(text.p, '\n', text.len);
		size_t len;
		json_t *line;
		enum rota_err err;

		if (!end) /* a line that power cut off was of nothing that was signed */
			return ROTA_OK;
		len = (size_t)(end - text.p);
		row++;
		if (rota_json_parse_strict(rota_span(text.p, len), &line, why) != ROTA_OK ||
			!is_line(line))
			return rota_fail(why, ROTA_ERR_CORRUPT,
				"line %zu of the file '" RECORD
				"' is damaged; put it back from a copy",
				row);
		err = each(ctx, line, why);
		json_decref(line);
		ROTA_TRY(err);
		text = rota_span(end + 1, text.len - len - 1);
	}
	return ROTA_OK;
}

enum rota_err rota_bundle_record_each(const struct rota_authdir *dir,
	enum rota_err (*each)(void *ctx, const json_t *line, struct rota_fail *why), void *ctx,
	struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;
	enum rota_err err;

	rota_authdir_path(dir, RECORD, path);
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(rota_file_read(path, RECORD_MAX, &text, why));
	err = each_line(rota_bytes_span(&text), each, ctx, why);
	rota_bytes_free(&text);
	return err;
}

struct check {
	const struct rota_bundle_view *view;
	bool again;
};

static enum rota_err on_line(void *ctx, const json_t *line, struct rota_fail *why)
{
	const struct check *c = ctx;

	return check_line(c->view, line, c->again, why);
}

enum rota_err rota_bundle_record_check(const struct rota_authdir *dir,
	const struct rota_bundle_view *view, bool again, struct rota_fail *why)
{
	struct check c = { view, true };

	/* what goes back is said first: it is the graver of the two */
	ROTA_TRY(rota_bundle_record_each(dir, on_line, &c, why));
	if (again)
		return ROTA_OK;
	c.again = false;
	return rota_bundle_record_each(dir, on_line, &c, why);
}

enum rota_err rota_bundle_record_put(const struct rota_authdir *dir,
	const struct rota_bundle_signed *what, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX], at[ROTA_WHEN_LEN], hex[ROTA_DIGEST_HEX];
	struct rota_bytes line;
	json_t *value;
	enum rota_err err;

	rota_when_text(what->at_s, at);
	rota_hex(ROTA_SPAN(what->digest), hex);
	value = json_pack("{s:s,s:s,s:s,s:I,s:I,s:I}", "at", at, "digest", hex, "role", what->role,
		"root", (json_int_t)what->root, "targets", (json_int_t)what->targets, "version",
		(json_int_t)what->version);
	err = rota_json_encode(value, ROTA_JSON_FILE, &line, why);
	json_decref(value);
	ROTA_TRY(err);
	rota_bytes_add_text(&line, "\n");
	rota_authdir_path(dir, RECORD, path);
	err = rota_file_append(path, rota_bytes_span(&line), 0600, why);
	rota_bytes_free(&line);
	return err;
}

enum rota_err rota_bundle_record_add(const struct rota_authdir *dir,
	const struct rota_bundle_view *view, const struct rota_bundle_item *item, uint64_t now,
	struct rota_fail *why)
{
	struct rota_bundle_signed what = { .at_s = now,
		.role = item->role,
		.root = rota_chain_version(view->root),
		.targets = rota_chain_version(view->targets),
		.version = rota_chain_version(item->now) };

	memcpy(what.digest, item->digest, sizeof(what.digest));
	return rota_bundle_record_put(dir, &what, why);
}
