/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/release.h"
#include "host/base/when.h"
#include "host/build/dsse.h"
#include "host/build/provenance.h"
#include "host/repo/listing.h"
#include "host/repo/pending.h"
#include "host/repo/rehearse.h"
#include "host/repo/store.h"
#include "host/sign/duty.h"
#include "host/sign/imagefile.h"

#include <stdio.h>
#include <string.h>

/* What one run works on. */
struct work {
	struct rota_desk *desk;
	const struct rota_release_plan *plan;
	const struct rota_crypto *crypto;
	const struct rota_progress *progress;
	struct rota_listing *listing; /* of the role, growing */
	json_t *added; /* path to entry: what grew */
	char base[128]; /* "releases/PRODUCT/VERSION" */
};

static json_t *version_json(uint64_t version)
{
	char text[ROTA_VERSION_CSTR_MAX];

	rota_version_cstr(version, text);
	return json_string(text);
}

/* With bins a run that was killed may have listed a file already; the release is added again with the same one. */
static bool same_target(const json_t *listed, const struct rota_store_target *target)
{
	struct rota_store_target is;

	return rota_store_target_read(listed, &is) && is.len == target->len &&
		memcmp(is.sha256, target->sha256, sizeof(is.sha256)) == 0;
}

static enum rota_err list(struct work *w, const char *path, const struct rota_store_target *target,
	struct rota_fail *why)
{
	json_object_set_new(w->added, path, rota_store_target_object(target));
	return rota_listing_set(w->listing, path, rota_store_target_object(target), why);
}

/* Copy a file to BASE/its own name and list it; the target path into `path`. */
static enum rota_err add_file(struct work *w, const char *file, char path[static 256],
	struct rota_store_target *target, struct rota_fail *why)
{
	const char *slash = strrchr(file, '/');
	const char *name = slash ? slash + 1 : file;
	const json_t *listed;

	if (snprintf(path, 256, "%s/%s", w->base, name) >= 256 ||
		!rota_path_valid(rota_span_cstr(path)))
		return rota_fail(why, ROTA_ERR_FORMAT,
			"%s: the file's name is no target name of [A-Za-z0-9._+~=,@-]", file);
	ROTA_TRY(rota_store_copy_target(w->desk->dir, path, file, w->progress, target, why));
	ROTA_TRY(rota_listing_get(w->listing, path, &listed, why));
	if (strcmp(name, "release.json") == 0 || (listed && !same_target(listed, target)))
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"%s: %s stands in this release already; rename the file", file, path);
	return list(w, path, target, why);
}

static json_t *names_json(const struct rota_image_info *info)
{
	json_t *list = json_array();

	for (size_t i = 0; i < info->hardware_count; i++)
		json_array_append_new(list,
			json_stringn((const char *)info->hardware[i].text, info->hardware[i].len));
	return list;
}

/* Product and version of the image must be the release's. */
static enum rota_err check_image(const struct work *w, const char *file,
	const struct rota_image_info *info, struct rota_fail *why)
{
	char has[ROTA_VERSION_CSTR_MAX], want[ROTA_VERSION_CSTR_MAX];

	if (!rota_span_eq(rota_name_span(&info->product), rota_span_cstr(w->plan->product)))
		return rota_fail(why, ROTA_ERR_PRODUCT, "%s is made for product %.*s, not %s", file,
			info->product.len, (const char *)info->product.text, w->plan->product);
	if (info->version == w->plan->version)
		return ROTA_OK;
	rota_version_cstr(info->version, has);
	rota_version_cstr(w->plan->version, want);
	return rota_fail(
		why, ROTA_ERR_VERSION, "%s has version %s, the release is %s", file, has, want);
}

static enum rota_err describe_image(struct work *w, const struct rota_release_part *part,
	json_t *component, struct rota_fail *why)
{
	struct rota_image_info info;
	char hex[ROTA_DIGEST_HEX];

	ROTA_TRY(rota_imagefile_read(part->file, w->crypto, w->progress, &info, why));
	ROTA_TRY(check_image(w, part->file, &info, why));
	rota_hex(ROTA_SPAN(info.digest), hex);
	json_object_set_new(component, "counter", json_integer((json_int_t)info.counter));
	json_object_set_new(component, "digest", json_string(hex));
	json_object_set_new(component, "hardware", names_json(&info));
	return ROTA_OK;
}

static void describe_raw(const struct rota_release_part *part, json_t *component)
{
	json_t *list = json_array();

	for (size_t i = 0; i < part->hardware_count; i++)
		json_array_append_new(list, json_string(part->hardware[i]));
	json_object_set_new(component, "counter", json_integer(0));
	json_object_set_new(component, "hardware", list);
}

static enum rota_err add_part(struct work *w, const struct rota_release_part *part,
	json_t *components, struct rota_fail *why)
{
	struct rota_store_target target;
	char path[256], hex[ROTA_DIGEST_HEX];
	json_t *component = json_object();

	json_array_append_new(components, component);
	if (part->raw)
		describe_raw(part, component);
	else
		ROTA_TRY(describe_image(w, part, component, why));
	ROTA_TRY(add_file(w, part->file, path, &target, why));
	rota_hex(ROTA_SPAN(target.sha256), hex);
	json_object_set_new(component, "depends", json_array());
	json_object_set_new(component, "length", json_integer((json_int_t)target.len));
	json_object_set_new(component, "name", json_string(part->name));
	json_object_set_new(component, "order", json_integer((json_int_t)part->order));
	json_object_set_new(component, "path", json_string(path));
	json_object_set_new(component, "sha256", json_string(hex));
	json_object_set_new(component, "slot", json_string(part->slot));
	return ROTA_OK;
}

static json_t *ceilings_json(const struct rota_release_plan *plan)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < plan->group_count; i++)
		json_array_append_new(groups, json_string(plan->groups[i]));
	return json_pack("{s:I,s:s,s:I,s:o,s:I,s:I}", "canary", (json_int_t)plan->canary,
		"everyone", plan->everyone, "first_ppm", (json_int_t)plan->first_ppm, "groups",
		groups, "growth", (json_int_t)plan->growth, "soak_s", (json_int_t)plan->soak_s);
}

static json_t *frame(const struct work *w)
{
	const struct rota_release_plan *plan = w->plan;
	json_t *revert = json_array();
	char issued[ROTA_WHEN_LEN];

	for (size_t i = 0; i < plan->revert_count; i++)
		json_array_append_new(revert, version_json(plan->revert_to[i]));
	rota_when_text(w->desk->now, issued);
	return json_pack("{s:s,s:s,s:s,s:o,s:[],s:[],s:i,s:s,s:o,s:s,s:o,s:o}", "_type", "release",
		"abort", plan->abort, "build", plan->build, "ceilings", ceilings_json(plan),
		"components", "deltas", "format", 1, "issued", issued, "minimum",
		version_json(plan->minimum), "product", plan->product, "revert_to", revert,
		"version", version_json(plan->version));
}

static enum rota_err add_extra(struct work *w, json_t *release, const char *member,
	const char *file, struct rota_fail *why)
{
	struct rota_store_target target;
	char path[256];

	if (!file)
		return ROTA_OK;
	ROTA_TRY(add_file(w, file, path, &target, why));
	json_object_set_new(release, member, json_string(path));
	return ROTA_OK;
}

/* SPEC 26.5: what people are asked to sign for production was built alike by as many as rota.ini says. */
static enum rota_err check_builders(
	const struct work *w, const json_t *release, struct rota_fail *why)
{
	const struct rota_authdir *dir = w->desk->dir;
	const char *file = w->plan->provenance;
	struct rota_bytes bundle;
	enum rota_err err;

	if (dir->builders_need == 0 || strcmp(w->plan->role, "releases") != 0)
		return ROTA_OK;
	if (!file)
		return rota_fail(why, ROTA_ERR_THRESHOLD,
			"[promotion] builders = %u: name their signed statements with --provenance "
			"FILE (SPEC 26.5)",
			dir->builders_need);
	ROTA_TRY(rota_file_read(file, ROTA_DSSE_BUNDLE_MAX, &bundle, why));
	err = rota_provenance_check(rota_bytes_span(&bundle), dir->builders, dir->builder_count,
		release, dir->builders_need, why);
	rota_bytes_free(&bundle);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "%s", file);
}

static enum rota_err fill(struct work *w, json_t *release, struct rota_fail *why)
{
	json_t *components = json_object_get(release, "components");

	for (size_t i = 0; i < w->plan->part_count; i++)
		ROTA_TRY(add_part(w, &w->plan->parts[i], components, why));
	ROTA_TRY(check_builders(w, release, why));
	ROTA_TRY(add_extra(w, release, "sbom", w->plan->sbom, why));
	return add_extra(w, release, "provenance", w->plan->provenance, why);
}

static enum rota_err write_release(
	struct work *w, json_t *release, struct rota_release_done *out, struct rota_fail *why)
{
	struct rota_store_target target;
	struct rota_bytes text;
	enum rota_err err;

	ROTA_TRY(rota_json_encode(release, ROTA_JSON_FILE, &text, why));
	err = rota_rehearse_release(rota_bytes_span(&text), why);
	if (err == ROTA_OK)
		err = rota_store_put_target(
			w->desk->dir, out->path, rota_bytes_span(&text), &target, why);
	rota_bytes_free(&text);
	ROTA_TRY(err);
	memcpy(out->sha256, target.sha256, sizeof(out->sha256));
	return list(w, out->path, &target, why);
}

static enum rota_err make(struct work *w, struct rota_release_done *out, struct rota_fail *why)
{
	const json_t *listed;
	json_t *release;
	enum rota_err err;

	ROTA_TRY(rota_listing_get(w->listing, out->path, &listed, why));
	if (listed)
		return rota_fail(why, ROTA_ERR_STATE,
			"%s is there already; a release is never changed, raise the version",
			out->path);
	release = frame(w);
	if (!release)
		return rota_fail(why, ROTA_ERR_FORMAT, "the build id is not UTF-8");
	err = fill(w, release, why);
	if (err == ROTA_OK)
		err = write_release(w, release, out, why);
	json_decref(release);
	ROTA_TRY(err);
	out->role_version = 0;
	if (w->plan->unsigned_)
		return rota_pending_add(w->desk->dir, w->plan->role, w->added, why);
	return rota_listing_sign(w->listing, w->desk, &out->role_version, why);
}

enum rota_err rota_release_make(struct rota_desk *desk, const struct rota_release_plan *plan,
	const struct rota_crypto *crypto, const struct rota_progress *progress,
	struct rota_release_done *out, struct rota_fail *why)
{
	struct rota_listing listing;
	struct work w = { .desk = desk,
		.plan = plan,
		.crypto = crypto,
		.progress = progress,
		.listing = &listing };
	char version[ROTA_VERSION_CSTR_MAX];
	enum rota_err err;

	rota_version_cstr(plan->version, version);
	snprintf(w.base, sizeof(w.base), "%s/%s/%s", plan->role, plan->product, version);
	snprintf(out->path, sizeof(out->path), "%s/release.json", w.base);
	ROTA_TRY(rota_listing_open(desk->dir, plan->role, &listing, why));
	w.added = json_object();
	err = make(&w, out, why);
	json_decref(w.added);
	rota_listing_close(&listing);
	return err;
}
