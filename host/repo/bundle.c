/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/bundle.h"
#include "host/sign/authdir.h"
#include "host/sign/duty.h"
#include "rota/codec/der.h"
#include "rota/codec/json.h"
#include "rota/codec/name.h"

#include <string.h>

/* Names on the way to the deepest value: a target path and a dozen of our words. */
#define NAMES_ROOM 1024

/* A root is signed under its predecessor's keys and its own. */
#define SIGNATURES_MAX ((size_t)2 * ROTA_SIGNERS_MAX)

static enum rota_err wrong(struct rota_fail *why, const char *what)
{
	return rota_fail(why, ROTA_ERR_FORMAT, "%s is not what a bundle holds (SPEC 14.1)", what);
}

static bool is_hex(const json_t *value, size_t least, size_t most)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	return text && len >= least && len <= most && strspn(text, "0123456789abcdef") == len;
}

static bool are_signatures(const json_t *list)
{
	if (!json_is_array(list) || json_array_size(list) > SIGNATURES_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);

		if (!rota_json_members(one, "keyid sig") ||
			!is_hex(json_object_get(one, "keyid"), 64, 64) ||
			!is_hex(json_object_get(one, "sig"), 2, (size_t)2 * ROTA_DER_ECDSA_MAX))
			return false;
	}
	return true;
}

static bool is_envelope(const json_t *value)
{
	return rota_json_members(value, "signatures signed") &&
		are_signatures(json_object_get(value, "signatures")) &&
		json_is_object(json_object_get(value, "signed"));
}

static bool are_roots(const json_t *list)
{
	if (!json_is_array(list) || json_array_size(list) > ROTA_BUNDLE_ROOTS_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!is_envelope(json_array_get(list, i)))
			return false;
	return true;
}

static bool are_files(json_t *files)
{
	const char *path;
	json_t *text;

	if (!json_is_object(files) || json_object_size(files) > ROTA_BUNDLE_FILES_MAX)
		return false;
	json_object_foreach(files, path, text) if (!rota_path_valid(rota_span_cstr(path)) ||
		!json_is_string(text) ||
		json_string_length(text) > ROTA_BUNDLE_FILE_MAX) return false;
	return true;
}

static bool are_parts(const json_t *list)
{
	size_t count = json_array_size(list);

	if (count < 1 || count > ROTA_BUNDLE_PARTS_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_array_get(list, i);
		const char *role = json_string_value(json_object_get(one, "role"));

		if (!rota_json_members(one, "current role signatures signed") || !role ||
			!rota_name_ok(role) || !is_envelope(json_object_get(one, "current")) ||
			!are_signatures(json_object_get(one, "signatures")) ||
			!json_is_object(json_object_get(one, "signed")))
			return false;
	}
	return true;
}

static enum rota_err check_head(const struct rota_bundle *b, struct rota_fail *why)
{
	const char *type = json_string_value(json_object_get(b->whole, "_type"));
	const json_t *format = json_object_get(b->whole, "format");

	if (!type || strcmp(type, "rota-bundle") != 0)
		return rota_fail(why, ROTA_ERR_FORMAT, "is no bundle of rota repo export");
	if (json_is_integer(format) && json_integer_value(format) != 1)
		return rota_fail(why, ROTA_ERR_UNSUPPORTED,
			"has format %lld, this program knows format 1; use the same release of "
			"rota on both machines",
			(long long)json_integer_value(format));
	if (!json_is_integer(format) ||
		!rota_json_members(
			b->whole, "_type anchor files format parts product roots targets"))
		return wrong(why, "a member of the top level");
	return ROTA_OK;
}

static enum rota_err check_members(const struct rota_bundle *b, struct rota_fail *why)
{
	ROTA_TRY(check_head(b, why));
	if (!is_hex(json_object_get(b->whole, "anchor"), 64, 64))
		return wrong(why, "'anchor'");
	if (!b->product || !rota_name_ok(b->product))
		return wrong(why, "'product'");
	if (!are_roots(b->roots))
		return wrong(why, "'roots'");
	if (!is_envelope(b->targets))
		return wrong(why, "'targets'");
	if (!are_files(b->files))
		return wrong(why, "'files'");
	return are_parts(b->parts) ? ROTA_OK : wrong(why, "'parts'");
}

static enum rota_err on_token(struct rota_json *j)
{
	(void)j;
	return ROTA_OK;
}

/* The scanner that is proved, fuzzed and small decides first; jansson sees only what it let through. */
static enum rota_err scan(struct rota_span text, struct rota_fail *why)
{
	static const struct rota_json_sink sink = { on_token, rota_json_drop };
	static uint8_t names[NAMES_ROOM], value[1];
	const struct rota_json_room room = { ROTA_BUF(value), ROTA_BUF(names) };
	struct rota_json j;

	if (text.len > ROTA_BUNDLE_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "is longer than %d bytes (SPEC 14.1)",
			ROTA_BUNDLE_MAX);
	rota_json_init(&j, &sink, &room);
	if (rota_json_feed(&j, text) == ROTA_OK && rota_json_end(&j) == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT,
		"is cut short, damaged, or not spelled as SPEC 2 says; copy it again");
}

enum rota_err rota_bundle_parse(
	struct rota_span text, struct rota_bundle *out, struct rota_fail *why)
{
	*out = (struct rota_bundle){ 0 };
	ROTA_TRY(scan(text, why));
	ROTA_TRY(rota_json_parse_strict(text, &out->whole, why));
	out->anchor = json_string_value(json_object_get(out->whole, "anchor"));
	out->product = json_string_value(json_object_get(out->whole, "product"));
	out->roots = json_object_get(out->whole, "roots");
	out->targets = json_object_get(out->whole, "targets");
	out->files = json_object_get(out->whole, "files");
	out->parts = json_object_get(out->whole, "parts");
	if (check_members(out, why) == ROTA_OK)
		return ROTA_OK;
	rota_bundle_free(out);
	return why->err;
}

void rota_bundle_free(struct rota_bundle *b)
{
	json_decref(b->whole);
	*b = (struct rota_bundle){ 0 };
}

bool rota_bundle_part(const struct rota_bundle *b, size_t n, struct rota_bundle_part *out)
{
	const json_t *one = json_array_get(b->parts, n);

	*out = (struct rota_bundle_part){ .role = json_string_value(json_object_get(one, "role")),
		.current = json_object_get(one, "current"),
		.content = json_object_get(one, "signed"),
		.signatures = json_object_get(one, "signatures") };
	return one != NULL;
}

/* Everything but the signatures so far. */
static json_t *bare(const struct rota_bundle *b)
{
	json_t *copy = json_deep_copy(b->whole), *parts = json_object_get(copy, "parts");

	for (size_t i = 0; i < json_array_size(parts); i++)
		json_array_clear(json_object_get(json_array_get(parts, i), "signatures"));
	return copy;
}

static bool has_keyid(const json_t *signatures, const json_t *signature)
{
	for (size_t i = 0; i < json_array_size(signatures); i++)
		if (json_equal(json_object_get(json_array_get(signatures, i), "keyid"),
			    json_object_get(signature, "keyid")))
			return true;
	return false;
}

enum rota_err rota_bundle_merge(
	struct rota_bundle *to, const struct rota_bundle *from, struct rota_fail *why)
{
	json_t *left = bare(to), *right = bare(from);
	bool same = json_equal(left, right);
	struct rota_bundle_part mine, theirs;

	json_decref(left);
	json_decref(right);
	if (!same)
		return rota_fail(why, ROTA_ERR_HASH,
			"is not a copy of the first bundle; import each export by itself");
	for (size_t i = 0; rota_bundle_part(to, i, &mine); i++) {
		if (!rota_bundle_part(from, i, &theirs))
			break;
		for (size_t k = 0; k < json_array_size(theirs.signatures); k++) {
			json_t *one = json_array_get(theirs.signatures, k);

			if (!has_keyid(mine.signatures, one))
				json_array_append(mine.signatures, one);
		}
	}
	return ROTA_OK;
}
