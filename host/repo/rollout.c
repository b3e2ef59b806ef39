/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/rollout.h"
#include "host/repo/listing.h"
#include "host/repo/store.h"
#include "rota/codec/policy.h"

#include <stdio.h>
#include <string.h>

static bool listed_digest(const json_t *entry, uint8_t sha256[static ROTA_DIGEST_LEN])
{
	struct rota_store_target target;

	if (!rota_store_target_read(entry, &target))
		return false;
	memcpy(sha256, target.sha256, ROTA_DIGEST_LEN);
	return true;
}

enum rota_err rota_rollout_find_release(const struct rota_authdir *dir, const char *role,
	const char *product, const char *version, char path[static 256],
	uint8_t sha256[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	struct rota_listing listing;
	const json_t *entry;
	enum rota_err err;
	bool found;

	if (snprintf(path, 256, "%s/%s/%s/release.json", role, product, version) >= 256)
		return rota_fail(why, ROTA_ERR_LIMIT, "version '%s' is too long", version);
	ROTA_TRY(rota_listing_open(dir, role, &listing, why));
	err = rota_listing_get(&listing, path, &entry, why);
	found = err == ROTA_OK && listed_digest(entry, sha256);
	rota_listing_close(&listing);
	ROTA_TRY(err);
	if (found)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_NOT_FOUND,
		"role %s lists no %s; add it first with rota release add", role, path);
}

static json_t *new_policy(const char *product)
{
	return json_pack("{s:s,s:[],s:i,s:s,s:i}", "_type", "rollout", "campaigns", "format", 1,
		"product", product, "sequence", 0);
}

/* The policy that the role lists now; a new one when it lists none. */
static enum rota_err load(const struct rota_authdir *dir, const json_t *targets, const char *path,
	const char *product, json_t **policy, struct rota_fail *why)
{
	uint8_t sha256[ROTA_DIGEST_LEN], is[ROTA_DIGEST_LEN];
	char file[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;
	enum rota_err err;

	if (!listed_digest(json_object_get(targets, path), sha256)) {
		*policy = new_policy(product);
		return ROTA_OK;
	}
	rota_store_target_path(dir, path, sha256, file);
	ROTA_TRY(rota_file_read(file, ROTA_POLICY_MAX, &text, why));
	rota_digest_of(rota_bytes_span(&text), is);
	err = memcmp(is, sha256, sizeof(is)) == 0
		? rota_json_parse_strict(rota_bytes_span(&text), policy, why)
		: rota_fail(why, ROTA_ERR_HASH, "is not what the role rollouts lists");
	rota_bytes_free(&text);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "%s", file);
}

/* One active campaign per channel. */
static enum rota_err place(json_t *policy, json_t *campaign, struct rota_fail *why)
{
	json_t *list = json_object_get(policy, "campaigns");
	const char *channel = json_string_value(json_object_get(campaign, "channel"));

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *other =
			json_string_value(json_object_get(json_array_get(list, i), "channel"));

		if (other && strcmp(other, channel) == 0) {
			json_array_set(list, i, campaign);
			return ROTA_OK;
		}
	}
	if (json_array_size(list) == ROTA_POLICY_CAMPAIGNS_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "more than %d channels (SPEC 8.1)",
			ROTA_POLICY_CAMPAIGNS_MAX);
	json_array_append(list, campaign);
	return ROTA_OK;
}

static enum rota_err ignore(void *ctx, const struct rota_policy_event *e)
{
	(void)ctx;
	(void)e;
	return ROTA_OK;
}

/* Would a device read it? */
static enum rota_err rehearse(struct rota_span text, struct rota_fail *why)
{
	static struct rota_policy_decoder decoder;
	uint8_t names[ROTA_POLICY_NAMES_ROOM], value[ROTA_POLICY_VALUE_ROOM];
	enum rota_err err;

	rota_policy_begin(&decoder, (struct rota_policy_sink){ .event = ignore }, ROTA_BUF(names),
		ROTA_BUF(value));
	err = rota_policy_feed(&decoder, text);
	if (err == ROTA_OK)
		err = rota_policy_end(&decoder);
	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail(
		why, err, "a device would refuse this policy: %s (SPEC 8)", rota_err_str(err));
}

static enum rota_err write_policy(struct rota_desk *desk, json_t *policy, json_t *targets,
	struct rota_rollout_done *out, struct rota_fail *why)
{
	struct rota_store_target target;
	struct rota_bytes text;
	enum rota_err err;

	out->sequence = (uint64_t)json_integer_value(json_object_get(policy, "sequence")) + 1;
	json_object_set_new(policy, "sequence", json_integer((json_int_t)out->sequence));
	ROTA_TRY(rota_json_encode(policy, ROTA_JSON_FILE, &text, why));
	err = rehearse(rota_bytes_span(&text), why);
	if (err == ROTA_OK)
		err = rota_store_put_target(
			desk->dir, out->path, rota_bytes_span(&text), &target, why);
	rota_bytes_free(&text);
	if (err == ROTA_OK)
		json_object_set_new(targets, out->path, rota_store_target_object(&target));
	return err;
}

enum rota_err rota_rollout_set(struct rota_desk *desk, const char *product, json_t *campaign,
	struct rota_rollout_done *out, struct rota_fail *why)
{
	json_t *content = NULL, *policy = NULL, *targets;
	enum rota_err err;

	if (!campaign)
		return rota_fail(why, ROTA_ERR_FORMAT, "the campaign has a text that is not UTF-8");
	snprintf(out->path, sizeof(out->path), "rollouts/%s.json", product);
	err = rota_store_signed(desk->dir, "rollouts", &content, why);
	targets = json_object_get(content, "targets");
	if (err == ROTA_OK)
		err = load(desk->dir, targets, out->path, product, &policy, why);
	if (err == ROTA_OK)
		err = place(policy, campaign, why);
	if (err == ROTA_OK)
		err = write_policy(desk, policy, targets, out, why);
	if (err == ROTA_OK)
		err = rota_metadata_sign(desk, "rollouts", content, 0, &out->role_version, why);
	json_decref(policy);
	json_decref(content);
	json_decref(campaign);
	return err;
}
