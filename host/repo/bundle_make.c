/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/bundle_make.h"
#include "host/repo/ahead.h"
#include "host/repo/bundle_view.h"
#include "host/repo/judge.h"
#include "host/repo/listing.h"
#include "host/repo/pending.h"
#include "host/repo/store.h"
#include "host/repo/trust.h"
#include "host/sign/envelope.h"

#include <stdlib.h>
#include <string.h>

static enum rota_err newest_envelope(
	const struct rota_authdir *dir, const char *role, json_t **out, struct rota_fail *why)
{
	uint64_t version;

	*out = NULL;
	ROTA_TRY(rota_store_newest(dir, role, true, &version, why));
	return rota_store_envelope(dir, role, version, out, why);
}

static enum rota_err add_roots(const struct rota_authdir *dir, json_t *roots, struct rota_fail *why)
{
	uint64_t anchor, newest;

	ROTA_TRY(rota_trust_anchor_version(dir, &anchor, why));
	ROTA_TRY(rota_store_newest(dir, "root", false, &newest, why));
	for (uint64_t v = anchor + 1; v <= newest; v++) {
		json_t *root;

		ROTA_TRY(rota_store_envelope(dir, "root", v, &root, why));
		json_array_append_new(roots, root);
	}
	return ROTA_OK;
}

/* The text of one new target that its signers read. */
static enum rota_err add_file(const struct rota_authdir *dir, const char *path, const json_t *entry,
	json_t *files, struct rota_fail *why)
{
	const char *hex =
		json_string_value(json_object_get(json_object_get(entry, "hashes"), "sha256"));
	char from[ROTA_FILE_PATH_MAX];
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_bytes text;

	if (!hex || !rota_unhex(hex, ROTA_BUF(digest)))
		return rota_fail(why, ROTA_ERR_FORMAT, "%s has no SHA-256", path);
	rota_store_target_path(dir, path, digest, from);
	ROTA_TRY(rota_file_read(from, ROTA_BUNDLE_FILE_MAX, &text, why));
	json_object_set_new(files, path, json_stringn((const char *)text.p, text.len));
	rota_bytes_free(&text);
	if (json_object_get(files, path))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT, "%s is no text", from);
}

/* List what waits for the role, in its file or in the bins that it falls into. */
static enum rota_err add_pending(struct rota_desk *desk, const struct rota_duty *duty,
	struct rota_listing *listing, json_t *files, struct rota_fail *why)
{
	json_t *waiting, *entry;
	const char *path;
	enum rota_err err;

	ROTA_TRY(rota_pending_load(desk->dir, duty->name, &waiting, why));
	err = ROTA_OK;
	json_object_foreach(waiting, path, entry)
	{
		if (err == ROTA_OK)
			err = rota_listing_set(listing, path, json_incref(entry), why);
		if (err == ROTA_OK && rota_judge_is_read(duty, path))
			err = add_file(desk->dir, path, entry, files, why);
	}
	json_decref(waiting);
	return err;
}

/* One part: version `version` + 1 of a role or bin, which becomes `content`. */
static enum rota_err add_part(struct rota_desk *desk, const struct rota_duty *duty,
	const char *role, uint64_t version, json_t *content, json_t *parts, struct rota_fail *why)
{
	json_t *current;

	ROTA_TRY(rota_store_envelope(desk->dir, role, version, &current, why));
	rota_metadata_stamp(content, role, version + 1, desk->now,
		rota_authdir_party(desk->dir, duty->name)->lifetime_s);
	json_array_append_new(parts,
		json_pack("{s:o,s:s,s:[],s:O}", "current", current, "role", role, "signatures",
			"signed", content));
	return ROTA_OK;
}

/* A role's file that stays as it is, with the signatures that it has: what says who signs the bins behind it. */
static enum rota_err add_same(struct rota_desk *desk, const char *role, uint64_t version,
	json_t *parts, struct rota_fail *why)
{
	json_t *current;

	ROTA_TRY(rota_store_envelope(desk->dir, role, version, &current, why));
	json_array_append_new(parts,
		json_pack("{s:O,s:s,s:O,s:O}", "current", current, "role", role, "signatures",
			json_object_get(current, "signatures"), "signed",
			json_object_get(current, "signed")));
	json_decref(current);
	return ROTA_OK;
}

/* Root or targets. */
static enum rota_err add_top(struct rota_desk *desk, const struct rota_bundle_order *order,
	const struct rota_duty *duty, json_t *parts, struct rota_fail *why)
{
	json_t *content;
	enum rota_err err;

	if (strcmp(duty->name, "root") == 0)
		ROTA_TRY(rota_ahead_none(desk->dir, why));
	ROTA_TRY(rota_store_signed(desk->dir, duty->name, &content, why));
	err = add_part(desk, duty, duty->name, rota_chain_version(content), content, parts, why);
	if (err == ROTA_OK)
		err = rota_bundle_rekey(desk, content, &order->rekeying, why);
	json_decref(content);
	return err;
}

/* The file of a delegated role; with bins it stays, since no bin may be older than it (SPEC 3.7). */
static enum rota_err add_file_of_role(struct rota_desk *desk, const struct rota_duty *duty,
	const struct rota_listing *l, json_t *parts, struct rota_fail *why)
{
	uint64_t version = rota_chain_version(l->content);

	if (l->bits == 0)
		return add_part(desk, duty, duty->name, version, l->content, parts, why);
	if (l->bin_count == 0)
		return rota_fail(why, ROTA_ERR_STATE,
			"nothing waits for role %s; its file is signed anew together with all of "
			"its bins, by rota repo bins --resign where its tokens are",
			duty->name);
	return add_same(desk, duty->name, version, parts, why);
}

/* A delegated role, and of its bins those that change. */
static enum rota_err add_delegated(struct rota_desk *desk, const struct rota_duty *duty,
	json_t *parts, json_t *files, struct rota_fail *why)
{
	struct rota_listing l;
	enum rota_err err;

	ROTA_TRY(rota_listing_open(desk->dir, duty->name, &l, why));
	err = add_pending(desk, duty, &l, files, why);
	if (err == ROTA_OK)
		err = add_file_of_role(desk, duty, &l, parts, why);
	for (size_t i = 0; i < l.bin_count && err == ROTA_OK; i++) {
		char name[ROTA_BIN_NAME_MAX];

		rota_bins_name(duty->name, l.bits, l.bins[i].index, name);
		err = add_part(desk, duty, name, rota_chain_version(l.bins[i].content),
			l.bins[i].content, parts, why);
	}
	rota_listing_close(&l);
	return err;
}

static enum rota_err add_role(struct rota_desk *desk, const struct rota_bundle_order *order,
	const struct rota_duty *duty, json_t *whole, struct rota_fail *why)
{
	json_t *parts = json_object_get(whole, "parts"), *files = json_object_get(whole, "files");

	if (rota_party_online(rota_authdir_party(desk->dir, duty->name)))
		return rota_fail(why, ROTA_ERR_ROLE,
			"role %s is signed online, by rota publish; nothing is to be carried",
			duty->name);
	return duty->paths ? add_delegated(desk, duty, parts, files, why)
			   : add_top(desk, order, duty, parts, why);
}

static enum rota_err fill(struct rota_desk *desk, const struct rota_bundle_order *order,
	json_t *whole, struct rota_fail *why)
{
	json_t *targets;
	struct rota_bytes anchor;
	char hex[ROTA_DIGEST_HEX];

	ROTA_TRY(rota_trust_anchor_read(desk->dir, &anchor, why));
	rota_digest_hex(rota_bytes_span(&anchor), hex);
	rota_bytes_free(&anchor);
	json_object_set_new(whole, "anchor", json_string(hex));
	ROTA_TRY(add_roots(desk->dir, json_object_get(whole, "roots"), why));
	ROTA_TRY(newest_envelope(desk->dir, "targets", &targets, why));
	json_object_set_new(whole, "targets", targets);
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
		if (order->roles[i])
			ROTA_TRY(add_role(desk, order, &rota_duties[i], whole, why));
	return ROTA_OK;
}

/* Through the reader and the judge of the offline machine: what they would refuse is not carried there. */
static enum rota_err rehearse(
	struct rota_desk *desk, const json_t *whole, struct rota_bundle *out, struct rota_fail *why)
{
	struct rota_bundle_base base;
	struct rota_bundle_view view;
	struct rota_bytes text;
	enum rota_err err;

	ROTA_TRY(rota_json_encode(whole, ROTA_JSON_FILE, &text, why));
	err = rota_bundle_parse(rota_bytes_span(&text), out, why);
	rota_bytes_free(&text);
	ROTA_TRY(err);
	base = (struct rota_bundle_base){ .roots = out->roots, .targets = out->targets };
	err = rota_bundle_view_open(desk->dir, out, &base, desk->now, &view, why);
	if (err == ROTA_OK)
		rota_bundle_view_close(&view);
	else
		rota_bundle_free(out);
	return err;
}

enum rota_err rota_bundle_make(struct rota_desk *desk, const struct rota_bundle_order *order,
	struct rota_bundle *out, struct rota_fail *why)
{
	json_t *whole = json_pack("{s:s,s:{},s:i,s:[],s:s,s:[]}", "_type", "rota-bundle", "files",
		"format", 1, "parts", "product", desk->dir->product, "roots");
	enum rota_err err = fill(desk, order, whole, why);

	if (err == ROTA_OK)
		err = rehearse(desk, whole, out, why);
	json_decref(whole);
	return err;
}
