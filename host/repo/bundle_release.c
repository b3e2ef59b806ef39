/* SPDX-License-Identifier: Apache-2.0 */
/* The texts that a bundle carries, for the signer to read (SPEC 14.3). */
#include "host/repo/bundle_judge.h"
#include "host/repo/rehearse.h"
#include "host/repo/retire.h"
#include "rota/trust/release.h"

#include <stdio.h>
#include <string.h>

bool rota_bundle_is_read(const struct rota_duty *duty, const char *path)
{
	static const char name[] = "/release.json";
	size_t len = strlen(path);

	return strcmp(duty->name, "releases") != 0 ||
		(len >= sizeof(name) && strcmp(path + len - (sizeof(name) - 1), name) == 0);
}

/* What the role or one of its bins in the bundle lists under a path. */
static const json_t *listed(
	const struct rota_bundle_view *v, const struct rota_duty *duty, const char *path)
{
	const json_t *entry = NULL;

	for (size_t i = 0; i < v->count && !entry; i++)
		if (v->items[i].duty == duty)
			entry = json_object_get(json_object_get(v->items[i].now, "targets"), path);
	return entry;
}

/* Whether the role lists this path with this digest and length. */
static bool lists(const struct rota_bundle_view *v, const struct rota_duty *duty,
	const struct rota_path *path, const uint8_t sha256[static ROTA_DIGEST_LEN], uint64_t length)
{
	char name[ROTA_PATH_MAX + 1], hex[ROTA_DIGEST_HEX];
	const json_t *entry;
	const char *want;

	memcpy(name, path->text, path->len);
	name[path->len] = 0;
	entry = listed(v, duty, name);
	want = json_string_value(json_object_get(json_object_get(entry, "hashes"), "sha256"));
	rota_hex(rota_span(sha256, ROTA_DIGEST_LEN), hex);
	return want && strcmp(want, hex) == 0 &&
		(uint64_t)json_integer_value(json_object_get(entry, "length")) == length;
}

/* What a device makes of the text; `want` keeps the parts for every hardware. */
static enum rota_err decode(struct rota_span text, const struct rota_release_want *want,
	const char *path, struct rota_release *out, struct rota_fail *why)
{
	static struct rota_release_decoder decoder;
	uint8_t names[ROTA_RELEASE_NAMES_ROOM], value[ROTA_RELEASE_VALUE_ROOM];
	struct rota_release_device device = { .role = ROTA_STR("releases"),
		.path = rota_span_cstr(path) };
	enum rota_err err;

	rota_release_begin(&decoder, want, ROTA_BUF(names), ROTA_BUF(value));
	err = rota_release_feed(&decoder, text);
	if (err == ROTA_OK)
		err = rota_release_end(&decoder);
	if (err == ROTA_OK) {
		device.product = rota_name_span(&decoder.release.product);
		err = rota_release_agrees(&decoder.release, &device);
	}
	if (err != ROTA_OK)
		return rota_fail(
			why, err, "%s: a device would refuse it: %s", path, rota_err_str(err));
	*out = decoder.release;
	return ROTA_OK;
}

static enum rota_err judge_release(const struct rota_bundle_view *v, const struct rota_duty *duty,
	const char *path, struct rota_span text, struct rota_fail *why)
{
	static struct rota_component parts[ROTA_RELEASE_COMPONENTS_MAX];
	static struct rota_delta deltas[ROTA_RELEASE_DELTAS_MAX];
	const struct rota_release_want want = { .components = parts,
		.component_room = ROTA_RELEASE_COMPONENTS_MAX,
		.deltas = deltas,
		.delta_room = ROTA_RELEASE_DELTAS_MAX };
	struct rota_release release = { 0 };
	bool good = true;

	ROTA_TRY(decode(text, &want, path, &release, why));
	if (rota_rehearse_release(text, why) != ROTA_OK)
		return rota_fail_in(why, "%s", path);
	for (size_t i = 0; i < release.component_count; i++)
		good &= lists(v, duty, &parts[i].path, parts[i].sha256, parts[i].length);
	for (size_t i = 0; i < release.delta_count; i++)
		good &= lists(v, duty, &deltas[i].path, deltas[i].sha256, deltas[i].length);
	if (good)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_HASH,
		"%s names a file that the role does not list with that digest and length", path);
}

/* Retirements: what a device reads, of the product that the path names. */
static enum rota_err judge_retirements(
	const char *path, struct rota_span text, struct rota_fail *why)
{
	static struct rota_retirements_decoder d;
	enum rota_err err = rota_retirements_read(&d, text);
	char own[ROTA_PATH_MAX];

	if (err != ROTA_OK)
		return rota_fail(why, err, "%s: a device would refuse it: %s (SPEC 16.1)", path,
			rota_err_str(err));
	snprintf(own, sizeof(own), "retirements/%.*s.json", d.product.len,
		(const char *)d.product.text);
	if (strcmp(own, path) != 0)
		return rota_fail(why, ROTA_ERR_PRODUCT, "%s is for product %.*s", path,
			d.product.len, (const char *)d.product.text);
	return ROTA_OK;
}

/* The text of a target that is read. */
static enum rota_err judge_text(const struct rota_bundle_view *v,
	const struct rota_bundle_item *item, const char *path, const json_t *entry,
	struct rota_fail *why)
{
	const json_t *file = json_object_get(v->bundle->files, path);
	struct rota_span text = rota_span(json_string_value(file), json_string_length(file));
	const char *want =
		json_string_value(json_object_get(json_object_get(entry, "hashes"), "sha256"));
	char hex[ROTA_DIGEST_HEX];
	json_t *value;

	if (!file)
		return rota_fail(why, ROTA_ERR_NOT_FOUND, "the bundle lacks the text of %s", path);
	rota_digest_hex(text, hex);
	if (!want || strcmp(want, hex) != 0 ||
		(size_t)json_integer_value(json_object_get(entry, "length")) != text.len)
		return rota_fail(why, ROTA_ERR_HASH,
			"the text of %s is not the one that the role lists", path);
	if (rota_json_parse_strict(text, &value, why) != ROTA_OK)
		return rota_fail_in(why, "%s", path);
	json_decref(value);
	if (strcmp(item->duty->name, "releases") == 0)
		return judge_release(v, item->duty, path, text, why);
	return strcmp(item->duty->name, "retirements") == 0 ? judge_retirements(path, text, why)
							    : ROTA_OK;
}

/* The targets of an item that are new or other than before, and read; *count grows by them. */
static enum rota_err judge_item(const struct rota_bundle_view *v,
	const struct rota_bundle_item *item, size_t *count, struct rota_fail *why)
{
	const json_t *before = json_object_get(item->was, "targets");
	const char *path;
	json_t *entry;

	json_object_foreach(json_object_get(item->now, "targets"), path, entry)
	{
		const json_t *old = json_object_get(before, path);

		if ((old && json_equal(old, entry)) || !rota_bundle_is_read(item->duty, path))
			continue;
		++*count;
		ROTA_TRY(judge_text(v, item, path, entry, why));
	}
	return ROTA_OK;
}

enum rota_err rota_bundle_judge_files(const struct rota_bundle_view *view, struct rota_fail *why)
{
	size_t count = 0;

	for (size_t i = 0; i < view->count; i++)
		if (judge_item(view, &view->items[i], &count, why) != ROTA_OK)
			return rota_fail_in(why, "role %s", view->items[i].role);
	if (count == json_object_size(view->bundle->files))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT,
		"the bundle carries a text that belongs to nothing new in it (SPEC 14.3)");
}
