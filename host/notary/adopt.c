/* SPDX-License-Identifier: Apache-2.0 */
/* What a scope's authority had signed before there was a daemon (SPEC 19.6). */
#include "host/notary/record.h"
#include "host/notary/attempts.h"
#include "host/repo/judge.h"
#include "host/repo/retire.h"
#include "host/repo/rollout.h"
#include "host/repo/store.h"
#include "host/sign/duty.h"
#include "host/sign/envelope.h"

#include <string.h>

#define TEXT_MAX (1024 * 1024) /* SPEC 8.1, 16.2 */

struct adopting {
	struct rota_records *records;
	const struct rota_authdir *dir;
	uint64_t now;
	const struct rota_records_sink *sink;
};

static enum rota_err say(struct adopting *a, const struct rota_leaf *leaf, const json_t *attempts,
	struct rota_fail *why)
{
	struct rota_bytes text;
	json_t *record =
		json_pack("{s:[],s:s,s:O}", "approvals", "kind", "opened", "attempts", attempts);
	enum rota_err err = rota_json_encode(record, ROTA_JSON_FILE, &text, why);

	json_decref(record);
	ROTA_TRY(err);
	err = a->sink->entry(a->sink->ctx, leaf, rota_bytes_span(&text), why);
	rota_bytes_free(&text);
	return err;
}

static enum rota_err read_as_device(const char *role, struct rota_span text)
{
	struct rota_name product;

	return strcmp(role, "rollouts") == 0 ? rota_rollout_read(text, &product)
					     : rota_revocations_read(text, &product);
}

/* The texts of the files of one product that a role lists, each under its digest. */
static enum rota_err read_texts(const struct rota_authdir *dir, const char *role,
	const json_t *content, json_t *files, json_t *attempts, struct rota_fail *why)
{
	const char *path;
	json_t *entry, *value;

	if (strcmp(role, "rollouts") != 0 && strcmp(role, "revocations") != 0)
		return ROTA_OK;
	json_object_foreach(json_object_get(content, "targets"), path, entry)
	{
		struct rota_store_target target;
		char file[ROTA_FILE_PATH_MAX];
		uint8_t digest[ROTA_DIGEST_LEN];
		struct rota_bytes text;

		if (!rota_store_target_read(entry, &target))
			continue;
		rota_store_target_path(dir, path, target.sha256, file);
		ROTA_TRY(rota_file_read(file, TEXT_MAX, &text, why));
		rota_digest_of(rota_bytes_span(&text), digest);
		json_object_set_new(files, path, json_stringn((const char *)text.p, text.len));
		if (memcmp(digest, target.sha256, sizeof(digest)) != 0 ||
			read_as_device(role, rota_bytes_span(&text)) != ROTA_OK ||
			rota_json_parse_strict(rota_bytes_span(&text), &value, why) != ROTA_OK) {
			rota_bytes_free(&text);
			return rota_fail(why, ROTA_ERR_HASH, "%s is not what %s lists", file, role);
		}
		rota_bytes_free(&text);
		if (strcmp(role, "rollouts") == 0) {
			json_t *some = rota_attempts_of_policy(dir->product, value);

			json_array_extend(attempts, some);
			json_decref(some);
		}
		json_decref(value);
	}
	return ROTA_OK;
}

static enum rota_err adopt_releases(
	struct adopting *a, const json_t *content, uint64_t version, struct rota_fail *why)
{
	const struct rota_duty *duty = rota_duty_find("releases");
	json_t *none = json_array(), *entry;
	const char *path;
	enum rota_err err = ROTA_OK;

	json_object_foreach(json_object_get(content, "targets"), path, entry)
	{
		struct rota_leaf leaf = { .kind = ROTA_LEAF_OPENED,
			.at_s = a->now,
			.version = version,
			.scope = rota_span_cstr(a->dir->product),
			.role = ROTA_STR("releases"),
			.path = rota_span_cstr(path) };
		struct rota_store_target target;

		if (err != ROTA_OK || !rota_judge_is_read(duty, path) ||
			!rota_store_target_read(entry, &target) ||
			rota_records_release(a->records, a->dir->product, target.sha256))
			continue;
		memcpy(leaf.digest, target.sha256, sizeof(leaf.digest));
		err = say(a, &leaf, none, why);
	}
	json_decref(none);
	return err;
}

static enum rota_err adopt_file(struct adopting *a, const char *role, uint64_t version,
	const struct rota_bytes *file, const json_t *content, struct rota_fail *why)
{
	struct rota_leaf leaf = { .kind = ROTA_LEAF_OPENED,
		.at_s = a->now,
		.version = version,
		.scope = rota_span_cstr(a->dir->product),
		.role = rota_span_cstr(role) };
	json_t *files = json_object(), *attempts = json_array();
	enum rota_err err = read_texts(a->dir, role, content, files, attempts, why);

	rota_digest_of(rota_bytes_span(file), leaf.digest);
	if (err == ROTA_OK)
		err = rota_envelope_digest(content, leaf.message, why);
	if (err == ROTA_OK && strcmp(role, "timestamp") != 0)
		err = rota_records_keep(
			a->records, a->dir->product, role, version, content, files, why);
	if (err == ROTA_OK &&
		strcmp(role, "releases") == 0) /* first: its own entry says that they are there */
		err = adopt_releases(a, content, version, why);
	if (err == ROTA_OK)
		err = say(a, &leaf, attempts, why);
	json_decref(files);
	json_decref(attempts);
	return err;
}

static enum rota_err adopt_role(struct adopting *a, const char *role, struct rota_fail *why)
{
	struct rota_bytes file;
	uint64_t version;
	json_t *content;
	enum rota_err err;

	/* of a start that was cut off: what it adopted stays */
	if (rota_records_role(a->records, a->dir->product, role))
		return ROTA_OK;
	ROTA_TRY(rota_store_newest(a->dir, role, true, &version, why));
	if (version == 0)
		return ROTA_OK;
	ROTA_TRY(rota_store_verified(a->dir, role, version, &file, &content, why));
	err = adopt_file(a, role, version, &file, content, why);
	rota_bytes_free(&file);
	json_decref(content);
	return err;
}

enum rota_err rota_records_adopt(struct rota_records *r, const struct rota_authdir *dir,
	uint64_t now, const struct rota_records_sink *sink, struct rota_fail *why)
{
	struct adopting a = { .records = r, .dir = dir, .now = now, .sink = sink };

	if (rota_records_knows(r, dir->product))
		return rota_fail(why, ROTA_ERR_STATE,
			"the log has requests of %s already; what is not in it is adopted no more",
			dir->product);
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
		if (adopt_role(&a, rota_duties[i].name, why) != ROTA_OK)
			return rota_fail_in(
				why, "role %s of %s", rota_duties[i].name, dir->product);
	return rota_records_load(r, why);
}
