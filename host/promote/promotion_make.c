/* SPDX-License-Identifier: Apache-2.0 */
/* The first of the three places: what ci has, out of the repository. */
#include "host/build/dsse.h"
#include "host/build/provenance.h"
#include "host/promote/promotion.h"
#include "host/repo/listing.h"
#include "host/repo/store.h"
#include "host/sign/imagefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one run works on. */
struct work {
	const struct rota_authdir *dir;
	const struct rota_crypto *crypto;
	struct rota_listing *listing; /* of role ci */
	const char *out; /* folder, not yet under its name */
	json_t *components; /* of the statement */
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A target that ci lists: where it lies, and what it must be. */
static enum rota_err find(struct work *w, const char *path, struct rota_store_target *target,
	char file[static ROTA_FILE_PATH_MAX], struct rota_fail *why)
{
	const json_t *entry;

	ROTA_TRY(rota_listing_get(w->listing, path, &entry, why));
	if (!entry || !rota_store_target_read(entry, target))
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"role ci lists no %s; rota status says what", path);
	rota_store_target_path(w->dir, path, target->sha256, file);
	return ROTA_OK;
}

/* A small one, whole, once it is what ci lists. */
static enum rota_err fetch(struct work *w, const char *path, size_t max, struct rota_bytes *out,
	struct rota_store_target *target, struct rota_fail *why)
{
	char file[ROTA_FILE_PATH_MAX];
	uint8_t digest[ROTA_DIGEST_LEN];

	ROTA_TRY(find(w, path, target, file, why));
	ROTA_TRY(rota_file_read(file, max, out, why));
	rota_digest_of(rota_bytes_span(out), digest);
	if (memcmp(digest, target->sha256, sizeof(digest)) == 0)
		return ROTA_OK;
	rota_bytes_free(out);
	return rota_fail(why, ROTA_ERR_HASH, "%s is not the file that ci lists", file);
}

struct copy {
	struct rota_draft draft;
	struct rota_fail *why;
};

static enum rota_err take(void *ctx, struct rota_span piece)
{
	struct copy *c = ctx;

	return rota_draft_write(&c->draft, piece, c->why);
}

static enum rota_err copy_file(
	const struct work *w, const char *from, const char *to, struct rota_fail *why)
{
	struct copy c = { .why = why };
	enum rota_err err;

	ROTA_TRY(rota_draft_open(&c.draft, w->out, 0644, why));
	err = rota_feed_file(from, NULL, &c, take, why);
	if (err == ROTA_OK)
		err = rota_draft_commit(&c.draft, to, why);
	rota_draft_drop(&c.draft);
	return err;
}

/* Copy an image, and see from the copy that it is the listed one. */
static enum rota_err add_component(struct work *w, const json_t *component, struct rota_fail *why)
{
	const char *path = json_string_value(json_object_get(component, "path"));
	const char *digest = json_string_value(json_object_get(component, "digest"));
	const char *name = json_string_value(json_object_get(component, "name"));
	char file[ROTA_FILE_PATH_MAX], hex[ROTA_DIGEST_HEX];
	struct rota_store_target target;
	struct rota_image_info info;
	enum rota_err err;
	char *to;

	if (!digest || !path || !name)
		return rota_fail(why, ROTA_ERR_UNSUPPORTED,
			"component %s is no image: it has no signature to change, list it by rota "
			"release add --raw",
			name ? name : "?");
	ROTA_TRY(find(w, path, &target, file, why));
	to = rota_text("%s/%s", w->out, base_name(path));
	err = rota_file_exists(to)
		? rota_fail(why, ROTA_ERR_FORMAT, "two components are called %s", base_name(path))
		: copy_file(w, file, to, why);
	if (err == ROTA_OK)
		err = rota_imagefile_read(to, w->crypto, NULL, &info, why);
	free(to);
	ROTA_TRY(err);
	rota_hex(ROTA_SPAN(info.digest), hex);
	if (strcmp(hex, digest) != 0 ||
		memcmp(info.file_sha256, target.sha256, sizeof(target.sha256)) != 0)
		return rota_fail(why, ROTA_ERR_HASH, "%s is not the image that ci lists", file);
	json_array_append_new(w->components,
		json_pack("{s:s,s:s,s:I,s:s}", "digest", hex, "file", base_name(path), "length",
			(json_int_t)target.len, "name", name));
	return ROTA_OK;
}

/* Who built it, beside the images; its digest, or null, for the statement. */
static enum rota_err add_provenance(
	struct work *w, const json_t *release, json_t **sha256, struct rota_fail *why)
{
	const char *path = json_string_value(json_object_get(release, "provenance"));
	struct rota_store_target target = { 0 };
	struct rota_bytes bundle = { 0 };
	enum rota_err err = ROTA_OK;
	char hex[ROTA_DIGEST_HEX];
	char *to;

	*sha256 = json_null();
	if (path)
		ROTA_TRY(fetch(w, path, ROTA_DSSE_BUNDLE_MAX, &bundle, &target, why));
	if (w->dir->builders_need > 0)
		err = rota_provenance_check(rota_bytes_span(&bundle), w->dir->builders,
			w->dir->builder_count, release, w->dir->builders_need, why);
	if (err == ROTA_OK && path) {
		to = rota_text("%s/provenance.jsonl", w->out);
		err = rota_file_write(to, rota_bytes_span(&bundle), 0644, why);
		free(to);
		rota_hex(ROTA_SPAN(target.sha256), hex);
		*sha256 = json_string(hex);
	}
	rota_bytes_free(&bundle);
	return err;
}

static enum rota_err write_statement(const struct work *w, const json_t *release, const char *path,
	const struct rota_store_target *target, json_t *provenance, struct rota_fail *why)
{
	char hex[ROTA_DIGEST_HEX];
	struct rota_bytes text;
	json_t *statement;
	enum rota_err err;
	char *to;

	rota_hex(ROTA_SPAN(target->sha256), hex);
	statement = json_pack("{s:s,s:{s:s,s:s},s:O,s:i,s:O,s:O,s:O}", "_type", "rota-promotion",
		"ci", "path", path, "sha256", hex, "components", w->components, "format", 1,
		"product", json_object_get(release, "product"), "provenance", provenance, "version",
		json_object_get(release, "version"));
	err = rota_json_encode(statement, ROTA_JSON_FILE, &text, why);
	json_decref(statement);
	ROTA_TRY(err);
	to = rota_text("%s/promotion.json", w->out);
	err = rota_file_write(to, rota_bytes_span(&text), 0644, why);
	free(to);
	rota_bytes_free(&text);
	return err;
}

static enum rota_err collect(struct work *w, const char *path, struct rota_fail *why)
{
	json_t *release, *provenance = NULL;
	struct rota_store_target target;
	struct rota_bytes text;
	const json_t *one;
	enum rota_err err;
	size_t i;

	ROTA_TRY(fetch(w, path, ROTA_PROMOTION_MAX, &text, &target, why));
	err = rota_json_parse_strict(rota_bytes_span(&text), &release, why);
	rota_bytes_free(&text);
	ROTA_TRY(err);
	json_array_foreach(json_object_get(release, "components"), i, one) if (err == ROTA_OK) err =
		add_component(w, one, why);
	if (err == ROTA_OK)
		err = add_provenance(w, release, &provenance, why);
	if (err == ROTA_OK)
		err = write_statement(w, release, path, &target, provenance, why);
	json_decref(provenance);
	json_decref(release);
	return err;
}

enum rota_err rota_promotion_make(const struct rota_authdir *dir, const char *version,
	const struct rota_crypto *crypto, const char *out, struct rota_fail *why)
{
	char *draft = rota_text("%s.draft", out);
	char *path = rota_text("ci/%s/%s/release.json", dir->product, version);
	struct rota_listing listing;
	struct work w = { .dir = dir, .crypto = crypto, .listing = &listing, .out = draft };
	enum rota_err err;

	if (rota_file_exists(out))
		err = rota_fail(why, ROTA_ERR_STATE, "%s is there already", out);
	else
		err = rota_listing_open(dir, "ci", &listing, why);
	if (err == ROTA_OK) {
		w.components = json_array();
		err = rota_file_mkdir_anew(draft, 0755, why);
		if (err == ROTA_OK)
			err = collect(&w, path, why);
		if (err == ROTA_OK)
			err = rota_file_rename(draft, out, why);
		if (err != ROTA_OK)
			rota_file_remove_tree(draft);
		json_decref(w.components);
		rota_listing_close(&listing);
	}
	free(draft);
	free(path);
	return err;
}
