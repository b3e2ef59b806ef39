/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/bundle_judge.h"
#include "host/repo/bins.h"
#include "host/repo/judge.h"
#include "host/repo/metadata.h"
#include "host/sign/duty.h"
#include "host/sign/p256.h"

#include <string.h>

/* An object of keys: each as we write it (SPEC 3.3), under its own id. */
static enum rota_err judge_keys(const json_t *keys, struct rota_fail *why)
{
	const char *id;
	json_t *key;

	if (!json_is_object(keys))
		return rota_judge_wrong(why, "'keys'");
	json_object_foreach((json_t *)(uintptr_t)keys, id, key)
	{
		uint8_t point[ROTA_P256_KEY_LEN];
		char own[ROTA_DIGEST_HEX];
		json_t *again;
		bool same;

		if (rota_p256_of_object(key, point) != ROTA_OK)
			return rota_judge_wrong(why, "a key");
		again = rota_p256_key_object(point);
		same = json_equal(again, key);
		json_decref(again);
		rota_p256_key_id(point, own);
		if (!same || strcmp(own, id) != 0)
			return rota_fail(why, ROTA_ERR_FORMAT,
				"key %s is not spelled as SPEC 3.3 says, or has another's id", own);
	}
	return ROTA_OK;
}

/* keyids and threshold of one role: keys that are there, each once, the threshold of our own rota.ini. */
static enum rota_err judge_signers(const struct rota_authdir *dir, const json_t *keys,
	const char *role, const json_t *entry, struct rota_fail *why)
{
	const struct rota_party *party = rota_authdir_party(dir, role);
	const json_t *ids = json_object_get(entry, "keyids");
	const json_t *threshold = json_object_get(entry, "threshold");
	size_t count = json_array_size(ids);

	if (!party || count < 1 || count > ROTA_SIGNERS_MAX || !json_is_integer(threshold))
		return rota_judge_wrong(why, role);
	for (size_t i = 0; i < count; i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		if (!id || !json_object_get(keys, id))
			return rota_judge_wrong(why, role);
		for (size_t k = 0; k < i; k++)
			if (strcmp(id, json_string_value(json_array_get(ids, k))) == 0)
				return rota_judge_wrong(why, role);
	}
	if (json_integer_value(threshold) != (json_int_t)party->threshold ||
		party->threshold > count)
		return rota_fail(why, ROTA_ERR_THRESHOLD,
			"it would give role %s the threshold %lld of %zu; [role %s] of this "
			"machine's rota.ini says %u",
			role, (long long)json_integer_value(threshold), count, role,
			party->threshold);
	return ROTA_OK;
}

/* Every key belongs to some role: one that nobody is shown has no place. */
static bool all_keys_used(const json_t *keys, json_t *used)
{
	bool same = json_object_size(keys) == json_object_size(used);

	json_decref(used);
	return same;
}

static void note_ids(json_t *used, const json_t *entry)
{
	const json_t *ids = json_object_get(entry, "keyids");

	for (size_t i = 0; i < json_array_size(ids); i++)
		json_object_set_new(used, json_string_value(json_array_get(ids, i)), json_true());
}

static bool share_a_key(const json_t *left, const json_t *right)
{
	const json_t *a = json_object_get(left, "keyids"), *b = json_object_get(right, "keyids");

	for (size_t i = 0; i < json_array_size(a); i++)
		for (size_t k = 0; k < json_array_size(b); k++)
			if (json_equal(json_array_get(a, i), json_array_get(b, k)))
				return true;
	return false;
}

static enum rota_err judge_root(
	const struct rota_authdir *dir, const json_t *now, struct rota_fail *why)
{
	const json_t *keys = json_object_get(now, "keys"), *roles = json_object_get(now, "roles");
	json_t *used;

	if (!rota_json_members(now,
		    "_type consistent_snapshot expires keys roles spec_version version "
		    "x-rota-issued x-rota-not-before") ||
		!json_is_true(json_object_get(now, "consistent_snapshot")) ||
		!rota_json_members(roles, "root targets snapshot timestamp"))
		return rota_judge_wrong(why, "a member of root");
	if (strcmp(rota_judge_text(now, "x-rota-not-before"),
		    rota_judge_text(now, "x-rota-issued")) != 0)
		return rota_fail(why, ROTA_ERR_TIME,
			"x-rota-not-before is not x-rota-issued; a later one moves devices' "
			"clocks for good (SPEC 5.2)");
	ROTA_TRY(judge_keys(keys, why));
	used = json_object();
	for (size_t i = 0; i < ROTA_DUTY_TOP_COUNT; i++) {
		const json_t *entry = json_object_get(roles, rota_duties[i].name);
		enum rota_err err = rota_json_members(entry, "keyids threshold")
			? judge_signers(dir, keys, rota_duties[i].name, entry, why)
			: rota_judge_wrong(why, rota_duties[i].name);

		if (err != ROTA_OK) {
			json_decref(used);
			return err;
		}
		note_ids(used, entry);
	}
	if (!all_keys_used(keys, used))
		return rota_judge_wrong(why, "a key that no role uses");
	if (share_a_key(json_object_get(roles, "root"), json_object_get(roles, "targets")))
		return rota_fail(why, ROTA_ERR_ROLE, "root and targets would share a key");
	return ROTA_OK;
}

/* A delegation is its duty's, with nothing to choose but the keys (SPEC 3.2). */
static bool is_duty(const json_t *entry, const struct rota_duty *duty)
{
	const json_t *paths = json_object_get(entry, "paths");

	return rota_json_members(entry, "keyids name paths terminating threshold") &&
		strcmp(rota_judge_text(entry, "name"), duty->name) == 0 &&
		json_array_size(paths) == 1 && json_is_string(json_array_get(paths, 0)) &&
		strcmp(json_string_value(json_array_get(paths, 0)), duty->paths) == 0 &&
		json_is_true(json_object_get(entry, "terminating"));
}

static enum rota_err judge_delegations(
	const struct rota_authdir *dir, const json_t *now, struct rota_fail *why)
{
	const json_t *all = json_object_get(now, "delegations");
	const json_t *keys = json_object_get(all, "keys"), *roles = json_object_get(all, "roles");
	json_t *used;

	if (!rota_json_members(
		    now, "_type delegations expires spec_version targets version x-rota-issued") ||
		!rota_json_members(all, "keys roles") ||
		!rota_json_members(json_object_get(now, "targets"), "") ||
		json_array_size(roles) != ROTA_DUTY_COUNT - ROTA_DUTY_TOP_COUNT)
		return rota_fail(why, ROTA_ERR_ROLE,
			"targets may name the roles of SPEC 3.2, and nothing else");
	ROTA_TRY(judge_keys(keys, why));
	used = json_object();
	for (size_t i = 0; i < json_array_size(roles); i++) {
		const struct rota_duty *duty = &rota_duties[ROTA_DUTY_TOP_COUNT + i];
		const json_t *entry = json_array_get(roles, i);
		enum rota_err err = is_duty(entry, duty)
			? judge_signers(dir, keys, duty->name, entry, why)
			: rota_fail(why, ROTA_ERR_ROLE,
				  "targets may name the roles of SPEC 3.2, and nothing else");

		if (err != ROTA_OK) {
			json_decref(used);
			return err;
		}
		note_ids(used, entry);
	}
	return all_keys_used(keys, used) ? ROTA_OK
					 : rota_judge_wrong(why, "a key that no role uses");
}

/* The file of a delegated role. That it hands its targets to bins may not change on this way, since every bin would
 * have to be signed with it; and who signs the bins are the role's people. */
static enum rota_err judge_role_file(const struct rota_bundle_item *item, struct rota_fail *why)
{
	const json_t *bins = json_object_get(item->now, "delegations");
	const json_t *succinct = json_object_get(bins, "succinct_roles");

	if (!rota_json_members(item->now,
		    "_type delegations? expires spec_version targets version x-rota-issued"))
		return rota_judge_wrong(why, "a member");
	if (!bins && json_object_get(item->was, "delegations"))
		return rota_fail(why, ROTA_ERR_ROLE, "its bins would go; see rota repo bins");
	if (bins && !json_equal(item->now, item->was))
		return rota_fail(why, ROTA_ERR_ROLE, "%s; see rota repo bins",
			json_equal(bins, json_object_get(item->was, "delegations"))
				? "its file would change, and all its bins be older than it (SPEC "
				  "3.7)"
				: "its bins would change");
	if (bins &&
		(!json_equal(json_object_get(succinct, "keyids"), item->who[0].keyids) ||
			json_integer_value(json_object_get(succinct, "threshold")) !=
				(json_int_t)item->who[0].threshold))
		return rota_fail(why, ROTA_ERR_ROLE,
			"its bins are signed by others than role %s; see rota repo bins",
			item->role);
	return ROTA_OK;
}

/* A bin: only what falls into it. */
static enum rota_err judge_bin_file(const struct rota_bundle_item *owner,
	const struct rota_bundle_item *item, struct rota_fail *why)
{
	char name[ROTA_BIN_NAME_MAX];
	const char *path;
	json_t *entry;
	unsigned bits;

	if (!rota_json_members(
		    item->now, "_type expires spec_version targets version x-rota-issued"))
		return rota_judge_wrong(why, "a member");
	ROTA_TRY(rota_bins_of(owner->was, owner->role, &bits, why));
	if (!rota_bins_has(owner->role, bits, item->role))
		return rota_fail(
			why, ROTA_ERR_ROLE, "it is no bin of the %u bits of %s", bits, owner->role);
	json_object_foreach(json_object_get(item->now, "targets"), path, entry)
	{
		rota_bins_name(owner->role, bits, rota_bins_index(path, bits), name);
		if (strcmp(name, item->role) != 0)
			return rota_fail(why, ROTA_ERR_ROLE,
				"it may not list %s, which falls into another bin", path);
	}
	return ROTA_OK;
}

static enum rota_err judge_targets(const struct rota_bundle_item *owner,
	const struct rota_bundle_item *item, struct rota_fail *why)
{
	json_t *targets = json_object_get(item->now, "targets"), *entry;
	const char *path;

	if (!json_is_object(targets))
		return rota_judge_wrong(why, "'targets'");
	json_object_foreach(targets, path, entry) ROTA_TRY(rota_judge_target(item->duty, path,
		json_object_get(json_object_get(item->was, "targets"), path), entry, why));
	return rota_bundle_is_bin(item) ? judge_bin_file(owner, item, why)
					: judge_role_file(item, why);
}

/* The file of a role with bins only says who signs them; it is not signed anew on this way. */
static bool stays(const struct rota_bundle_item *item)
{
	return item->duty->paths && !rota_bundle_is_bin(item) &&
		json_object_get(item->was, "delegations");
}

enum rota_err rota_bundle_judge_role(
	const struct rota_authdir *dir, const struct rota_bundle_item *item, struct rota_fail *why)
{
	if (item->duty && !rota_party_online(rota_authdir_party(dir, item->duty->name)))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_ROLE, "is no role of SPEC 3.2 that people sign offline");
}

enum rota_err rota_bundle_judge(const struct rota_authdir *dir,
	const struct rota_bundle_item *owner, const struct rota_bundle_item *item, uint64_t now,
	struct rota_fail *why)
{
	const struct rota_party *party = rota_authdir_party(dir, item->duty->name);
	const char *type = strcmp(item->role, "root") == 0 ? "root" : "targets";
	uint64_t next = rota_chain_version(item->was) + !stays(item), before = 0, ignored;

	if (!rota_metadata_times(item->was, &before, &ignored))
		before = 0;
	ROTA_TRY(rota_judge_common(item->now, type, next, why));
	ROTA_TRY(rota_judge_lifetime(item->now, party->name, party->lifetime_s, why));
	ROTA_TRY(rota_judge_times(item->now, before, now, why));
	if (strcmp(item->role, "root") == 0)
		return judge_root(dir, item->now, why);
	if (strcmp(item->role, "targets") == 0)
		return judge_delegations(dir, item->now, why);
	return judge_targets(owner, item, why);
}
