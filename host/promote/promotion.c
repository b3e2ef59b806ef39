/* SPDX-License-Identifier: Apache-2.0 */
/* The second and the third place: a folder that was carried here. */
#include "host/promote/promotion.h"
#include "host/base/when.h"
#include "host/build/dsse.h"
#include "host/build/provenance.h"
#include "host/notary/officers.h"
#include "host/sign/duty.h"
#include "host/sign/imageadd.h"
#include "host/sign/imagefile.h"
#include "host/sign/p256.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *text_of(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

/* A name in the folder itself. */
static bool is_file_name(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/');
}

static enum rota_err check_form(
	const struct rota_authdir *dir, const json_t *s, struct rota_fail *why)
{
	const json_t *list = json_object_get(s, "components"), *one;
	bool good = rota_json_members(s, "_type ci components format product provenance version") &&
		strcmp(text_of(s, "_type"), "rota-promotion") == 0 &&
		json_integer_value(json_object_get(s, "format")) == 1 &&
		rota_json_members(json_object_get(s, "ci"), "path sha256") &&
		json_array_size(list) > 0;
	size_t i;

	json_array_foreach(list, i, one) good = good &&
		rota_json_members(one, "digest file length name") &&
		is_file_name(text_of(one, "file"));
	if (!good)
		return rota_fail(why, ROTA_ERR_FORMAT, "no statement of a promotion (SPEC 26.6)");
	if (strcmp(text_of(s, "product"), dir->product) == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_PRODUCT, "it promotes %s, this authority is for %s",
		text_of(s, "product"), dir->product);
}

/* Officers read the statement, devices the image. */
static enum rota_err check_says(const char *path, const json_t *statement,
	const struct rota_image_info *info, struct rota_fail *why)
{
	char version[ROTA_VERSION_CSTR_MAX];

	rota_version_cstr(info->version, version);
	if (strcmp(version, text_of(statement, "version")) == 0 &&
		rota_span_is(rota_name_span(&info->product), text_of(statement, "product")))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_VERSION,
		"%s is version %s of %.*s, the statement says %s of %s", path, version,
		(int)info->product.len, (const char *)info->product.text,
		text_of(statement, "version"), text_of(statement, "product"));
}

/* The image beside the statement has the digest that stands there, and is what it says. */
static enum rota_err check_file(const char *folder, const json_t *statement,
	const json_t *component, const struct rota_crypto *crypto, struct rota_fail *why)
{
	char *path = rota_text("%s/%s", folder, text_of(component, "file"));
	char hex[ROTA_DIGEST_HEX];
	struct rota_image_info info;
	enum rota_err err = rota_imagefile_read(path, crypto, NULL, &info, why);

	if (err == ROTA_OK) {
		rota_hex(ROTA_SPAN(info.digest), hex);
		if (strcmp(hex, text_of(component, "digest")) != 0)
			err = rota_fail(why, ROTA_ERR_HASH,
				"%s has the image digest %.16s, the statement says %.16s", path,
				hex, text_of(component, "digest"));
		else
			err = check_says(path, statement, &info, why);
	}
	free(path);
	return err;
}

/* Who built it: the file beside the statement, and where this rota.ini demands it, enough builders. */
static enum rota_err check_provenance(const struct rota_authdir *dir, const char *folder,
	const json_t *statement, struct rota_fail *why)
{
	const char *want = json_string_value(json_object_get(statement, "provenance"));
	char *path = rota_text("%s/provenance.jsonl", folder);
	struct rota_bytes bundle = { 0 };
	char hex[ROTA_DIGEST_HEX];
	enum rota_err err = ROTA_OK;

	if (want)
		err = rota_file_read(path, ROTA_DSSE_BUNDLE_MAX, &bundle, why);
	if (err == ROTA_OK && want) {
		rota_digest_hex(rota_bytes_span(&bundle), hex);
		if (strcmp(hex, want) != 0)
			err = rota_fail(why, ROTA_ERR_HASH, "%s is not what was promoted", path);
	}
	if (err == ROTA_OK && dir->builders_need > 0)
		err = rota_provenance_check(rota_bytes_span(&bundle), dir->builders,
			dir->builder_count, statement, dir->builders_need, why);
	rota_bytes_free(&bundle);
	free(path);
	return err;
}

static enum rota_err judge(const struct rota_authdir *dir, const char *folder,
	const struct rota_crypto *crypto, const json_t *statement, struct rota_fail *why)
{
	const json_t *one;
	size_t i;

	ROTA_TRY(check_form(dir, statement, why));
	json_array_foreach(json_object_get(statement, "components"), i, one)
		ROTA_TRY(check_file(folder, statement, one, crypto, why));
	return check_provenance(dir, folder, statement, why);
}

enum rota_err rota_promotion_open(const struct rota_authdir *dir, const char *folder,
	const struct rota_crypto *crypto, struct rota_promotion *out, struct rota_fail *why)
{
	char *path = rota_text("%s/promotion.json", folder);
	struct rota_bytes text;
	enum rota_err err = rota_file_read(path, ROTA_PROMOTION_MAX, &text, why);

	*out = (struct rota_promotion){ 0 };
	if (err == ROTA_OK) {
		rota_digest_of(rota_bytes_span(&text), out->digest);
		err = rota_json_parse_strict(rota_bytes_span(&text), &out->statement, why);
		rota_bytes_free(&text);
		if (err == ROTA_OK)
			err = judge(dir, folder, crypto, out->statement, why);
		if (err != ROTA_OK)
			rota_fail_in(why, "%s", path);
	}
	free(path);
	if (err == ROTA_OK)
		return ROTA_OK;
	json_decref(out->statement);
	out->statement = NULL;
	return err;
}

enum rota_err rota_promotion_approve(
	const char *folder, const struct rota_approval *approval, struct rota_fail *why)
{
	char *path = rota_text("%s/approvals", folder);
	struct rota_bytes line = { 0 };
	enum rota_err err;

	rota_approval_write(approval, &line);
	rota_bytes_add_text(&line, "\n");
	err = rota_file_append(path, rota_bytes_span(&line), 0644, why);
	rota_bytes_free(&line);
	free(path);
	return err;
}

enum rota_err rota_promotion_check(const struct rota_authdir *dir, const char *folder,
	const struct rota_promotion *promotion, uint64_t now, struct rota_fail *why)
{
	unsigned need = rota_authdir_party(dir, "releases")->threshold, have = 0;
	char *path = rota_text("%s/approvals", folder);
	struct rota_bytes lines = { 0 };
	enum rota_err err = ROTA_OK;

	if (rota_file_exists(path))
		err = rota_file_read(
			path, ROTA_OFFICERS_LINES_MAX * ROTA_APPROVAL_MAX, &lines, why);
	free(path);
	ROTA_TRY(err);
	err = rota_officers_count(dir->officers, dir->officer_count, rota_bytes_span(&lines),
		promotion->digest, now, &have, why);
	rota_bytes_free(&lines);
	ROTA_TRY(err);
	if (have >= need)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_THRESHOLD,
		"%u of %u approvals count; an officer of rota.ini adds one by rota promote approve",
		have, need);
}

/* Whoever carried the folder may have put a link there, for us to write somewhere else. */
static enum rota_err make_production(const char *path, struct rota_fail *why)
{
	struct stat st;

	ROTA_TRY(rota_file_mkdirs(path, 0755, why));
	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_DENIED, "%s is no folder but a link; remove it", path);
}

static enum rota_err sign_one(struct rota_desk *desk, const char *folder, const json_t *component,
	const struct rota_crypto *crypto, struct rota_fail *why)
{
	const char *file = text_of(component, "file");
	char *from = rota_text("%s/%s", folder, file);
	char *out = rota_text("%s/production/%s", folder, file);
	struct rota_image_add plan = {
		.from = from, .out = out, .party = rota_authdir_party(desk->dir, "image")
	};
	enum rota_err err = ROTA_ERR_FORMAT;

	if (rota_unhex(text_of(component, "digest"), ROTA_BUF(plan.digest)))
		err = rota_image_add(&plan, crypto, desk->notary, why);
	free(from);
	free(out);
	return err;
}

enum rota_err rota_promotion_sign(struct rota_desk *desk, const char *folder,
	const struct rota_crypto *crypto, struct rota_fail *why)
{
	char *production = rota_text("%s/production", folder);
	struct rota_promotion p;
	const json_t *one;
	enum rota_err err;
	size_t i;

	err = rota_promotion_open(desk->dir, folder, crypto, &p, why);
	if (err == ROTA_OK)
		err = rota_promotion_check(desk->dir, folder, &p, desk->now, why);
	if (err == ROTA_OK)
		err = make_production(production, why);
	json_array_foreach(json_object_get(p.statement, "components"), i, one) if (err == ROTA_OK)
		err = sign_one(desk, folder, one, crypto, why);
	json_decref(p.statement);
	free(production);
	return err;
}
