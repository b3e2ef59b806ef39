/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/rollout.h"
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

static json_t *make_policy(const char *product)
{
	return json_pack("{s:s,s:[],s:i,s:s}", "_type", "rollout", "campaigns", "format", 1,
		"product", product);
}

enum rota_err rota_rollout_read(struct rota_span text, struct rota_name *product)
{
	static struct rota_policy_decoder decoder;
	uint8_t names[ROTA_POLICY_NAMES_ROOM], value[ROTA_POLICY_VALUE_ROOM];

	rota_policy_begin(&decoder, (struct rota_policy_sink){ .event = ignore }, ROTA_BUF(names),
		ROTA_BUF(value));
	ROTA_TRY(rota_policy_feed(&decoder, text));
	ROTA_TRY(rota_policy_end(&decoder));
	*product = decoder.product;
	return ROTA_OK;
}

static enum rota_err read_policy(struct rota_span text)
{
	struct rota_name product;

	return rota_rollout_read(text, &product);
}

static const struct rota_ledger_kind policy_kind = {
	.role = "rollouts",
	.most = ROTA_POLICY_MAX,
	.make = make_policy,
	.read = read_policy,
};

enum rota_err rota_rollout_set(struct rota_desk *desk, const char *product, json_t *campaign,
	struct rota_rollout_done *out, struct rota_fail *why)
{
	struct rota_ledger ledger;
	enum rota_err err;

	if (!campaign)
		return rota_fail(why, ROTA_ERR_FORMAT, "the campaign has a text that is not UTF-8");
	err = rota_ledger_open(desk->dir, &policy_kind, product, &ledger, why);
	if (err == ROTA_OK) {
		memcpy(out->path, ledger.path, sizeof(out->path));
		err = place(ledger.file, campaign, why);
		if (err == ROTA_OK)
			err = rota_ledger_sign(&ledger, desk, false, &out->done, why);
		rota_ledger_close(&ledger);
	}
	json_decref(campaign);
	return err;
}
