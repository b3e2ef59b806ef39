/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/bundle_import.h"
#include "host/repo/bundle_sign.h"
#include "host/repo/bundle_view.h"
#include "host/repo/pending.h"
#include "host/repo/store.h"
#include "host/repo/trust.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"

#include <string.h>

/* The repository as it was when the bundle was made: what to verify from. Owned. */
struct ground {
	json_t *roots;
	json_t *targets;
};

/* Whether version `version` of the role is in the repository with this `signed` or, when `whole`, is this file. */
static bool stands(const struct rota_authdir *dir, const char *role, uint64_t version,
	const json_t *value, bool whole)
{
	struct rota_fail ignored;
	json_t *file;
	bool same;

	if (rota_store_envelope(dir, role, version, &file, &ignored) != ROTA_OK)
		return false;
	same = json_equal(whole ? file : json_object_get(file, "signed"), value);
	json_decref(file);
	return same;
}

/* The part follows what stands here, or stands here itself, by an import that was cut off. */
static enum rota_err check_state(const struct rota_authdir *dir,
	const struct rota_bundle_part *part, bool *done, struct rota_fail *why)
{
	uint64_t version = rota_chain_version(part->content), newest;

	ROTA_TRY(rota_store_newest(dir, part->role, true, &newest, why));
	*done = newest == version && stands(dir, part->role, version, part->content, false);
	if (*done ||
		(newest + 1 == version && stands(dir, part->role, newest, part->current, true)))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_VERSION,
		"role %s: the repository has version %llu, which is not what this bundle was "
		"exported from; export again and have that signed",
		part->role, (unsigned long long)newest);
}

/* Roots after the first, and targets, as they stand; of what an earlier import put there already, the version before. */
static enum rota_err load_ground(const struct rota_authdir *dir, const struct rota_bundle *b,
	struct ground *g, struct rota_fail *why)
{
	struct rota_bundle_part part;
	uint64_t anchor, root, targets;

	ROTA_TRY(rota_trust_anchor_version(dir, &anchor, why));
	ROTA_TRY(rota_store_newest(dir, "root", false, &root, why));
	ROTA_TRY(rota_store_newest(dir, "targets", true, &targets, why));
	for (size_t i = 0; rota_bundle_part(b, i, &part); i++) {
		bool done;

		ROTA_TRY(check_state(dir, &part, &done, why));
		root -= done && strcmp(part.role, "root") == 0;
		targets -= done && strcmp(part.role, "targets") == 0;
	}
	g->roots = json_array();
	for (uint64_t v = anchor + 1; v <= root; v++) {
		json_t *file;

		ROTA_TRY(rota_store_envelope(dir, "root", v, &file, why));
		json_array_append_new(g->roots, file);
	}
	return rota_store_envelope(dir, "targets", targets, &g->targets, why);
}

/* The files of new and changed targets lie where the role will say that they do. */
static enum rota_err check_artifacts(
	const struct rota_authdir *dir, const struct rota_bundle_item *item, struct rota_fail *why)
{
	const json_t *before = json_object_get(item->was, "targets");
	const char *path;
	json_t *entry;

	json_object_foreach(json_object_get(item->now, "targets"), path, entry)
	{
		const json_t *old = json_object_get(before, path);
		struct rota_store_target want, have;
		char file[ROTA_FILE_PATH_MAX];

		if ((old && json_equal(old, entry)) || !rota_store_target_read(entry, &want))
			continue;
		rota_store_target_path(dir, path, want.sha256, file);
		if (rota_digest_file(file, NULL, &have.len, have.sha256, why) != ROTA_OK)
			return rota_fail_in(why,
				"an artifact is gone; add the release again with rota release add");
		if (have.len != want.len ||
			memcmp(want.sha256, have.sha256, sizeof(want.sha256)) != 0)
			return rota_fail(why, ROTA_ERR_HASH,
				"%s is damaged or of another length than is listed; add the "
				"release again "
				"with rota release add",
				file);
	}
	return ROTA_OK;
}

/* What the online keys must sign next under a new root, they can. */
static enum rota_err check_online_keys(
	struct rota_desk *desk, const json_t *root, const char *role, struct rota_fail *why)
{
	const struct rota_party *party = rota_authdir_party(desk->dir, role);
	struct rota_delegation who;
	unsigned have = 0;

	if (!rota_chain_find(root, role, &who))
		return rota_fail(why, ROTA_ERR_ROLE, "root does not name role %s", role);
	for (size_t i = 0; i < party->seat_count; i++) {
		uint8_t point[ROTA_P256_KEY_LEN];
		char id[ROTA_DIGEST_HEX];

		if (desk->notary->key(desk->notary->ctx, party, i, point, why) != ROTA_OK)
			continue;
		rota_p256_key_id(point, id);
		for (size_t k = 0; k < json_array_size(who.keyids); k++) {
			const char *one = json_string_value(json_array_get(who.keyids, k));

			have += one && strcmp(one, id) == 0;
		}
	}
	if (have >= who.threshold && who.threshold > 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_THRESHOLD,
		"the new root names keys for role %s that no token here holds; nothing could be "
		"published under it",
		role);
}

/* A role that is not in the bundle must stand under the delegator that is: signed by its people together with it, or
 * by its online keys after it (*again). */
static enum rota_err check_left(struct rota_desk *desk, const struct rota_bundle_view *view,
	const struct rota_bundle_item *above, const char *role, json_t **again,
	struct rota_fail *why)
{
	const json_t *old = strcmp(above->role, "root") == 0 ? view->root : view->targets;
	struct rota_bytes file;
	uint64_t version;
	json_t *content;
	enum rota_err err;

	ROTA_TRY(rota_store_newest(desk->dir, role, true, &version, why));
	ROTA_TRY(rota_store_read(desk->dir, role, version, &file, why));
	err = rota_chain_verify(above->now, role, rota_bytes_span(&file), &content, why);
	json_decref(content);
	if (err != ROTA_OK && rota_party_online(rota_authdir_party(desk->dir, role)))
		err = rota_chain_verify(old, role, rota_bytes_span(&file), again, why);
	rota_bytes_free(&file);
	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail_in(why,
		"%s would change who signs role %s, and its file is not signed so; export both "
		"together",
		above->role, role);
}

struct import {
	struct rota_desk *desk;
	struct rota_bundle_view view;
	json_t *again[ROTA_DUTY_COUNT]; /* online roles to be signed under new keys */
};

static const struct rota_bundle_item *find(const struct import *im, const char *role)
{
	for (size_t i = 0; i < im->view.count; i++)
		if (strcmp(im->view.items[i].role, role) == 0)
			return &im->view.items[i];
	return NULL;
}

/* What a new root or targets means for roles that are not in the bundle. */
static enum rota_err check_rest(struct import *im, struct rota_fail *why)
{
	const struct rota_bundle_item *root = find(im, "root"), *targets = find(im, "targets");

	if (root) {
		ROTA_TRY(check_online_keys(im->desk, root->now, "snapshot", why));
		ROTA_TRY(check_online_keys(im->desk, root->now, "timestamp", why));
	}
	if (root && !targets) {
		json_t *never = NULL;

		ROTA_TRY(check_left(im->desk, &im->view, root, "targets", &never, why));
	}
	for (size_t i = ROTA_DUTY_TOP_COUNT; targets && i < ROTA_DUTY_COUNT; i++)
		if (!find(im, rota_duties[i].name))
			ROTA_TRY(check_left(im->desk, &im->view, targets, rota_duties[i].name,
				&im->again[i], why));
	return ROTA_OK;
}

static enum rota_err check_item(
	struct import *im, const struct rota_bundle_item *item, struct rota_fail *why)
{
	ROTA_TRY(check_artifacts(im->desk->dir, item, why));
	for (size_t i = 0; i < item->who_count; i++) {
		unsigned have = rota_bundle_have(item, i);

		if (have < item->who[i].threshold || item->who[i].threshold == 0)
			return rota_fail(why, ROTA_ERR_THRESHOLD,
				"role %s has %u of %u signatures; have further people sign this "
				"bundle, and name all the copies",
				item->role, have, item->who[i].threshold);
	}
	return ROTA_OK;
}

static enum rota_err stage(
	struct import *im, const struct rota_bundle_item *item, struct rota_fail *why)
{
	uint64_t version = rota_chain_version(item->now);
	struct rota_bytes file;
	enum rota_err err;

	if (stands(im->desk->dir, item->role, version, item->now, false))
		return ROTA_OK;
	ROTA_TRY(rota_bundle_file(item, &file, why));
	err = strcmp(item->role, "root") == 0
		? rota_store_put(im->desk->dir, item->role, version, rota_bytes_span(&file), why)
		: rota_store_stage(im->desk->dir, item->role, version, rota_bytes_span(&file), why);
	rota_bytes_free(&file);
	return err;
}

/* Root last: from then on it is what everything is verified from. */
static enum rota_err land(struct import *im, struct rota_fail *why)
{
	for (size_t i = im->view.count; i-- > 0;)
		ROTA_TRY(stage(im, &im->view.items[i], why));
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++) {
		uint64_t version;

		if (im->again[i])
			ROTA_TRY(rota_metadata_sign(
				im->desk, rota_duties[i].name, im->again[i], 0, &version, why));
	}
	return ROTA_OK;
}

static enum rota_err check_all(struct import *im, struct rota_fail *why)
{
	const struct rota_bundle_hand online = { .online_only = true };
	unsigned added;

	ROTA_TRY(rota_bundle_sign(im->desk, &im->view, &online, &added, why));
	for (size_t i = 0; i < im->view.count; i++)
		ROTA_TRY(check_item(im, &im->view.items[i], why));
	return check_rest(im, why);
}

static enum rota_err settle(struct import *im, struct rota_fail *why)
{
	for (size_t i = 0; i < im->view.count; i++) {
		const struct rota_bundle_item *item = &im->view.items[i];
		const json_t *listed = json_object_get(item->now, "targets");

		if (listed)
			ROTA_TRY(rota_pending_settle(im->desk->dir, item->duty->name, listed, why));
	}
	return ROTA_OK;
}

static enum rota_err run(struct rota_desk *desk, const struct rota_bundle *b,
	const struct rota_bundle_base *base, struct rota_publish_role *done, struct rota_fail *why)
{
	const struct rota_publish_plan plan = { 0 };
	struct import im = { .desk = desk };
	enum rota_err err = rota_bundle_view_open(desk->dir, b, base, desk->now, &im.view, why);

	ROTA_TRY(err);
	err = check_all(&im, why);
	if (err == ROTA_OK)
		err = land(&im, why);
	if (err == ROTA_OK)
		err = rota_publish(desk, &plan, done, why);
	if (err == ROTA_OK)
		err = settle(&im, why);
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
		json_decref(im.again[i]);
	rota_bundle_view_close(&im.view);
	return err;
}

enum rota_err rota_bundle_import(struct rota_desk *desk, struct rota_bundle *copies, size_t count,
	struct rota_publish_role done[static ROTA_DUTY_COUNT], struct rota_fail *why)
{
	struct ground ground = { 0 };
	struct rota_bundle_base base;
	enum rota_err err;

	for (size_t i = 1; i < count; i++)
		if (rota_bundle_merge(&copies[0], &copies[i], why) != ROTA_OK)
			return rota_fail_in(why, "bundle %zu", i + 1);
	ROTA_TRY(rota_bundle_is_ours(desk->dir, &copies[0], why));
	err = load_ground(desk->dir, &copies[0], &ground, why);
	base = (struct rota_bundle_base){ .roots = ground.roots, .targets = ground.targets };
	if (err == ROTA_OK)
		err = run(desk, &copies[0], &base, done, why);
	json_decref(ground.roots);
	json_decref(ground.targets);
	return err;
}
