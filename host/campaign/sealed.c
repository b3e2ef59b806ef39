/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/sealed.h"
#include "host/base/json.h"

#include <string.h>

#define FILE_MAX 4096
#define FORMAT 2

static json_t *skipped_of(const struct rota_seal_result *result)
{
	json_t *all = json_object();

	for (unsigned i = ROTA_INDEX_TAKEN + 1; i < ROTA_INDEX_SKIPS; i++)
		json_object_set_new(all, rota_index_skip_word[i], json_integer(result->skipped[i]));
	return all;
}

enum rota_err rota_sealed_write(const char *path, const uint8_t campaign[static 32], uint16_t tree,
	const struct rota_seal_result *result, struct rota_fail *why)
{
	char id[65], root[65];
	struct rota_bytes text = { 0 };
	json_t *all;
	enum rota_err err;

	rota_hex(rota_span(campaign, 32), id);
	rota_hex(ROTA_SPAN(result->root), root);
	all = json_pack("{s:s,s:I,s:I,s:I,s:s,s:i,s:s,s:I,s:o,s:i}", "_type", "sealed", "again",
		(json_int_t)result->again, "base", (json_int_t)result->base, "bytes",
		(json_int_t)result->bytes, "campaign", id, "format", FORMAT, "root", root, "size",
		(json_int_t)result->size, "skipped", skipped_of(result), "tree", (int)tree);
	err = rota_json_encode(all, ROTA_JSON_FILE, &text, why);
	json_decref(all);
	if (err == ROTA_OK)
		err = rota_file_write(path, rota_bytes_span(&text), 0600, why);
	rota_bytes_free(&text);
	return err;
}

static bool number(const json_t *in, const char *name, uint64_t most, uint64_t *out)
{
	const json_t *value = json_object_get(in, name);

	*out = (uint64_t)json_integer_value(value);
	return json_is_integer(value) && json_integer_value(value) >= 0 && *out <= most;
}

static bool text_is(const json_t *in, const char *name, const char *want)
{
	const char *text = json_string_value(json_object_get(in, name));

	return text && strcmp(text, want) == 0;
}

static bool skipped_read(const json_t *in, struct rota_seal_result *out)
{
	uint64_t count;

	if (!rota_json_members(in, "gone has later mute sealed stale"))
		return false;
	for (unsigned i = ROTA_INDEX_TAKEN + 1; i < ROTA_INDEX_SKIPS; i++) {
		if (!number(in, rota_index_skip_word[i], UINT32_MAX, &count))
			return false;
		out->skipped[i] = (uint32_t)count;
	}
	return true;
}

static bool take(const json_t *in, const uint8_t campaign[static 32], uint16_t tree,
	struct rota_seal_result *out)
{
	uint64_t again, base, size, format, got_tree;
	char id[65];

	rota_hex(rota_span(campaign, 32), id);
	if (!rota_json_members(
		    in, "_type again base bytes campaign format root size skipped tree") ||
		!text_is(in, "_type", "sealed") || !text_is(in, "campaign", id) ||
		!number(in, "format", FORMAT, &format) || format != FORMAT ||
		!number(in, "tree", UINT16_MAX, &got_tree) || got_tree != tree ||
		!number(in, "again", UINT32_MAX, &again) ||
		!number(in, "base", UINT32_MAX, &base) || !number(in, "size", UINT32_MAX, &size) ||
		!number(in, "bytes", UINT64_MAX, &out->bytes) ||
		!rota_unhex(json_string_value(json_object_get(in, "root")), ROTA_BUF(out->root)) ||
		!skipped_read(json_object_get(in, "skipped"), out))
		return false;
	out->again = (uint32_t)again;
	out->base = (uint32_t)base;
	out->size = (uint32_t)size;
	out->kept = (uint32_t)size;
	return true;
}

enum rota_err rota_sealed_read(const char *path, const uint8_t campaign[static 32], uint16_t tree,
	struct rota_seal_result *out, struct rota_fail *why)
{
	json_t *in;
	bool taken;

	memset(out, 0, sizeof(*out));
	ROTA_TRY(rota_json_load(path, FILE_MAX, &in, why));
	taken = take(in, campaign, tree, out);
	json_decref(in);
	if (taken)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT, "%s: not of this campaign, or damaged", path);
}
