/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/bundle_view.h"
#include "host/repo/bins.h"
#include "host/repo/bundle_judge.h"
#include "host/repo/trust.h"
#include "host/sign/envelope.h"

#include <string.h>

static enum rota_err verify_envelope(const json_t *delegator, const char *role,
	const json_t *envelope, json_t **content, struct rota_fail *why)
{
	struct rota_bytes file;
	enum rota_err err;

	ROTA_TRY(rota_json_encode(envelope, ROTA_JSON_FILE, &file, why));
	err = rota_chain_verify(delegator, role, rota_bytes_span(&file), content, why);
	rota_bytes_free(&file);
	return err;
}

enum rota_err rota_bundle_is_ours(
	const struct rota_authdir *dir, const struct rota_bundle *bundle, struct rota_fail *why)
{
	char hex[ROTA_DIGEST_HEX];
	struct rota_bytes anchor;

	ROTA_TRY(rota_trust_anchor_read(dir, &anchor, why));
	rota_digest_hex(rota_bytes_span(&anchor), hex);
	rota_bytes_free(&anchor);
	if (strcmp(hex, bundle->anchor) != 0)
		return rota_fail(why, ROTA_ERR_HASH,
			"the bundle is of another repository: its first root is not "
			"%s/trust/root.json",
			dir->dir);
	if (strcmp(bundle->product, dir->product) != 0)
		return rota_fail(why, ROTA_ERR_PRODUCT, "the bundle is of product %s, not %s",
			bundle->product, dir->product);
	return ROTA_OK;
}

static enum rota_err open_anchor(
	const struct rota_authdir *dir, struct rota_bundle_view *v, struct rota_fail *why)
{
	struct rota_bytes anchor;
	enum rota_err err;

	ROTA_TRY(rota_bundle_is_ours(dir, v->bundle, why));
	ROTA_TRY(rota_trust_anchor_read(dir, &anchor, why));
	err = rota_chain_begin(rota_bytes_span(&anchor), &v->root, why);
	rota_bytes_free(&anchor);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "%s/trust/root.json", dir->dir);
}

static enum rota_err open_base(
	struct rota_bundle_view *v, const struct rota_bundle_base *base, struct rota_fail *why)
{
	for (size_t i = 0; i < json_array_size(base->roots); i++)
		if (rota_chain_succeed_by(&v->root, json_array_get(base->roots, i), why) != ROTA_OK)
			return rota_fail_in(why, "root after version %llu",
				(unsigned long long)rota_chain_version(v->root));
	if (verify_envelope(v->root, "targets", base->targets, &v->targets, why) != ROTA_OK)
		return rota_fail_in(why, "targets");
	return ROTA_OK;
}

static struct rota_bundle_item *find(struct rota_bundle_view *v, const char *role)
{
	for (size_t i = 0; i < v->count; i++)
		if (strcmp(v->items[i].role, role) == 0)
			return &v->items[i];
	return NULL;
}

static bool is_top(const char *role)
{
	return strcmp(role, "root") == 0 || strcmp(role, "targets") == 0;
}

bool rota_bundle_is_bin(const struct rota_bundle_item *item)
{
	return strcmp(item->role, item->duty->name) != 0;
}

const struct rota_duty *rota_bundle_duty(const char *role)
{
	const struct rota_duty *duty = rota_duty_find(role);

	for (size_t i = ROTA_DUTY_TOP_COUNT; !duty && i < ROTA_DUTY_COUNT; i++)
		if (rota_bins_named(rota_duties[i].name, role))
			duty = &rota_duties[i];
	return duty;
}

static enum rota_err verify_bin(
	const json_t *owner, const json_t *envelope, json_t **content, struct rota_fail *why)
{
	struct rota_bytes file;
	enum rota_err err;

	ROTA_TRY(rota_json_encode(envelope, ROTA_JSON_FILE, &file, why));
	err = rota_bins_verify(owner, rota_bytes_span(&file), content, why);
	rota_bytes_free(&file);
	return err;
}

/* The file that counts now, under whoever delegates now. For root and targets there is but one such file. */
static enum rota_err open_current(struct rota_bundle_view *v, struct rota_bundle_item *item,
	const json_t *envelope, struct rota_fail *why)
{
	bool top = is_top(item->role);
	const json_t *same = strcmp(item->role, "root") == 0 ? v->root : v->targets;
	const struct rota_bundle_item *owner = find(v, item->duty->name);

	if (rota_bundle_is_bin(item))
		return verify_bin(owner->was, envelope, &item->was, why);
	ROTA_TRY(
		verify_envelope(top ? v->root : v->targets, item->role, envelope, &item->was, why));
	if (top && !json_equal(item->was, same))
		return rota_fail(why, ROTA_ERR_VERSION,
			"'current' is not the file that counts now; export again");
	return ROTA_OK;
}

/* Who signs: under the delegator that will count, which the bundle may bring along. */
static enum rota_err find_signers(
	struct rota_bundle_view *v, struct rota_bundle_item *item, struct rota_fail *why)
{
	bool root = strcmp(item->role, "root") == 0;
	const struct rota_bundle_item *above = find(v, is_top(item->role) ? "root" : "targets");
	const json_t *delegator = is_top(item->role) ? v->root : v->targets;

	if (above && !root)
		delegator = above->now;
	if (!rota_chain_find(delegator, item->duty->name, &item->who[0]) ||
		(root && !rota_chain_find(item->now, "root", &item->who[1])))
		return rota_fail(why, ROTA_ERR_ROLE, "nobody is named who may sign it");
	item->who_count = root ? 2 : 1;
	return ROTA_OK;
}

static enum rota_err check_signatures(const struct rota_bundle_item *item, struct rota_fail *why)
{
	for (size_t i = 0; i < json_array_size(item->signatures); i++) {
		const json_t *one = json_array_get(item->signatures, i);
		const char *id = json_string_value(json_object_get(one, "keyid"));
		uint8_t point[ROTA_P256_KEY_LEN];
		bool good = false;

		for (size_t k = 0; k < i; k++)
			if (json_equal(
				    json_object_get(json_array_get(item->signatures, k), "keyid"),
				    json_object_get(one, "keyid")))
				return rota_fail(
					why, ROTA_ERR_FORMAT, "key %s signs twice (SPEC 4.2)", id);
		for (size_t k = 0; k < item->who_count; k++)
			good |= rota_envelope_good(
				one, item->who[k].keys, item->who[k].keyids, item->digest, point);
		if (!good)
			return rota_fail(why, ROTA_ERR_SIGNATURE,
				"the signature of key %s does not verify, or that key may not "
				"sign",
				id);
	}
	return ROTA_OK;
}

/* Delegators come first, so that what they will say is judged before it is used. */
static bool in_order(const struct rota_bundle_view *v, const char *role)
{
	const struct rota_bundle_item *last = v->count ? &v->items[v->count - 1] : NULL;

	if (strcmp(role, "root") == 0)
		return !last;
	return strcmp(role, "targets") != 0 || !last || strcmp(last->role, "root") == 0;
}

static enum rota_err open_item(struct rota_bundle_view *v, const struct rota_authdir *dir,
	const struct rota_bundle_part *part, uint64_t now, struct rota_fail *why)
{
	struct rota_bundle_item *item = &v->items[v->count];

	if (!in_order(v, part->role) || find(v, part->role))
		return rota_fail(why, ROTA_ERR_FORMAT,
			"stands twice, or behind what it delegates (SPEC 14.2)");
	*item = (struct rota_bundle_item){ .role = part->role,
		.duty = rota_bundle_duty(part->role),
		.now = part->content,
		.signatures = part->signatures };
	ROTA_TRY(rota_bundle_judge_role(dir, item, why));
	if (rota_bundle_is_bin(item) && !find(v, item->duty->name))
		return rota_fail(why, ROTA_ERR_FORMAT,
			"a bin without the file of role %s before it (SPEC 14.2)",
			item->duty->name);
	v->count++;
	ROTA_TRY(open_current(v, item, part->current, why));
	ROTA_TRY(rota_envelope_digest(item->was, item->was_digest, why));
	ROTA_TRY(find_signers(v, item, why));
	ROTA_TRY(rota_bundle_judge(dir, find(v, item->duty->name), item, now, why));
	ROTA_TRY(rota_envelope_digest(item->now, item->digest, why));
	return check_signatures(item, why);
}

static enum rota_err open_items(struct rota_bundle_view *v, const struct rota_authdir *dir,
	uint64_t now, struct rota_fail *why)
{
	struct rota_bundle_part part;

	for (size_t i = 0; rota_bundle_part(v->bundle, i, &part); i++)
		if (open_item(v, dir, &part, now, why) != ROTA_OK)
			return rota_fail_in(why, "role %s", part.role);
	return rota_bundle_judge_files(v, why);
}

enum rota_err rota_bundle_view_open(const struct rota_authdir *dir,
	const struct rota_bundle *bundle, const struct rota_bundle_base *base, uint64_t now,
	struct rota_bundle_view *out, struct rota_fail *why)
{
	enum rota_err err;

	*out = (struct rota_bundle_view){ .bundle = bundle };
	err = open_anchor(dir, out, why);
	if (err == ROTA_OK)
		err = open_base(out, base, why);
	if (err == ROTA_OK)
		err = open_items(out, dir, now, why);
	if (err != ROTA_OK)
		rota_bundle_view_close(out);
	return err;
}

void rota_bundle_view_close(struct rota_bundle_view *v)
{
	for (size_t i = 0; i < v->count; i++)
		json_decref(v->items[i].was);
	json_decref(v->root);
	json_decref(v->targets);
	*v = (struct rota_bundle_view){ 0 };
}

unsigned rota_bundle_have(const struct rota_bundle_item *item, size_t n)
{
	uint8_t seen[2 * ROTA_SIGNERS_MAX][ROTA_P256_KEY_LEN];
	const struct rota_delegation *who = &item->who[n];
	unsigned have = 0;

	for (size_t i = 0; i < json_array_size(item->signatures); i++) {
		bool again = false;

		if (have == 2 * ROTA_SIGNERS_MAX ||
			!rota_envelope_good(json_array_get(item->signatures, i), who->keys,
				who->keyids, item->digest, seen[have]))
			continue;
		for (unsigned k = 0; k < have; k++)
			again |= memcmp(seen[k], seen[have], ROTA_P256_KEY_LEN) == 0;
		have += !again;
	}
	return have;
}

bool rota_bundle_complete(const struct rota_bundle_item *item)
{
	for (size_t i = 0; i < item->who_count; i++)
		if (item->who[i].threshold == 0 ||
			rota_bundle_have(item, i) < item->who[i].threshold)
			return false;
	return true;
}

bool rota_bundle_may_sign(const struct rota_bundle_item *item, const char *keyid)
{
	for (size_t i = 0; i < item->who_count; i++)
		for (size_t k = 0; k < json_array_size(item->who[i].keyids); k++) {
			const char *one = json_string_value(json_array_get(item->who[i].keyids, k));

			if (one && strcmp(one, keyid) == 0)
				return true;
		}
	return false;
}

bool rota_bundle_has_signed(const struct rota_bundle_item *item, const char *keyid)
{
	for (size_t i = 0; i < json_array_size(item->signatures); i++) {
		const json_t *one = json_array_get(item->signatures, i);

		if (strcmp(json_string_value(json_object_get(one, "keyid")), keyid) == 0)
			return true;
	}
	return false;
}

enum rota_err rota_bundle_file(
	const struct rota_bundle_item *item, struct rota_bytes *file, struct rota_fail *why)
{
	json_t *whole = json_pack("{s:O,s:O}", "signatures", item->signatures, "signed", item->now);
	enum rota_err err = rota_json_encode(whole, ROTA_JSON_FILE, file, why);

	json_decref(whole);
	return err;
}
