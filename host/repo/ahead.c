/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/ahead.h"
#include "host/base/json.h"
#include "host/base/when.h"
#include "host/repo/chain.h"
#include "host/repo/inventory.h"
#include "host/repo/store.h"
#include "host/sign/envelope.h"

#include <stdio.h>
#include <stdlib.h>

#define FOLDER "series"
#define MAKING FOLDER "/making"
#define NOTE_MAX 32 /* digits of a version, and more than enough */
#define FILE_MODE 0640 /* a signing daemon of the group reads whose turn it is */

static void folder_path(const struct rota_authdir *dir, char out[static ROTA_FILE_PATH_MAX])
{
	rota_authdir_path(dir, FOLDER, out);
}

static void path_of(const struct rota_authdir *dir, uint64_t version, const char *ending,
	char out[static ROTA_FILE_PATH_MAX])
{
	char name[64];

	snprintf(name, sizeof(name), FOLDER "/%llu.%s", (unsigned long long)version, ending);
	rota_authdir_path(dir, name, out);
}

static void root_path(
	const struct rota_authdir *dir, uint64_t version, char out[static ROTA_FILE_PATH_MAX])
{
	path_of(dir, version, "root.json", out);
}

static bool has(const struct rota_authdir *dir, uint64_t version, const char *ending)
{
	char path[ROTA_FILE_PATH_MAX];

	path_of(dir, version, ending, path);
	return rota_file_exists(path);
}

void rota_ahead_token(uint64_t version, char label[static ROTA_AHEAD_NAME_MAX],
	char pin_file[static ROTA_AHEAD_NAME_MAX])
{
	snprintf(label, ROTA_AHEAD_NAME_MAX, "series-%llu", (unsigned long long)version);
	snprintf(pin_file, ROTA_AHEAD_NAME_MAX, FOLDER "/%llu.pin", (unsigned long long)version);
}

bool rota_ahead_kept(const struct rota_authdir *dir, uint64_t version)
{
	return has(dir, version, "slot.json");
}

bool rota_ahead_pin(const struct rota_authdir *dir, uint64_t version)
{
	return has(dir, version, "pin");
}

/* `signed` of the one at hand, else of the published one. */
static enum rota_err load(
	const struct rota_authdir *dir, uint64_t version, json_t **root, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	json_t *whole;

	root_path(dir, version, path);
	if (rota_file_exists(path))
		ROTA_TRY(rota_json_load(path, ROTA_ENVELOPE_MAX, &whole, why));
	else
		ROTA_TRY(rota_store_envelope(dir, "root", version, &whole, why));
	*root = json_incref(json_object_get(whole, "signed"));
	json_decref(whole);
	return ROTA_OK;
}

/* From this version on nothing is there yet; UINT64_MAX: nothing is being made. */
static enum rota_err making(const struct rota_authdir *dir, uint64_t *from, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;

	*from = UINT64_MAX;
	rota_authdir_path(dir, MAKING, path);
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(rota_file_read(path, NOTE_MAX, &text, why));
	*from = strtoull((const char *)text.p, NULL, 10);
	rota_bytes_free(&text);
	return ROTA_OK;
}

/* Versions of the first and the last that are kept; 0: none. */
static enum rota_err bounds(
	const struct rota_authdir *dir, uint64_t *first, uint64_t *last, struct rota_fail *why)
{
	char folder[ROTA_FILE_PATH_MAX];
	struct rota_inventory files;
	uint64_t until;

	*first = *last = 0;
	folder_path(dir, folder);
	if (!rota_file_exists(folder))
		return ROTA_OK;
	ROTA_TRY(making(dir, &until, why));
	ROTA_TRY(rota_inventory_load(folder, &files, why));
	for (size_t i = 0; i < files.count; i++) {
		uint64_t version = files.at[i].version;

		if (version >= until)
			continue;
		if (!*first || version < *first)
			*first = version;
		if (version > *last)
			*last = version;
	}
	rota_inventory_free(&files);
	return ROTA_OK;
}

/* Of a root that is with a keeper: its slot is all that is known of it. */
static enum rota_err add_sealed(const struct rota_authdir *dir, uint64_t version,
	struct rota_timeline *timeline, struct rota_fail *why)
{
	struct rota_timeslot slot = { .version = version };
	char path[ROTA_FILE_PATH_MAX];
	const char *from, *until;
	json_t *whole;
	bool good;

	path_of(dir, version, "slot.json", path);
	ROTA_TRY(rota_json_load(path, NOTE_MAX * 4, &whole, why));
	from = json_string_value(json_object_get(whole, "from"));
	until = json_string_value(json_object_get(whole, "until"));
	good = from && until && rota_when_parse(from, &slot.from_s) &&
		rota_when_parse(until, &slot.end_s);
	json_decref(whole);
	if (good)
		return rota_timeline_put(timeline, &slot, why);
	return rota_fail(why, ROTA_ERR_CORRUPT, "%s says nothing of a slot", path);
}

static enum rota_err add(const struct rota_authdir *dir, uint64_t version, uint64_t published,
	struct rota_ahead *out, struct rota_fail *why)
{
	size_t at = out->timeline.count;
	json_t *root;

	if (version > published && !has(dir, version, "root.json") &&
		has(dir, version, "slot.json")) {
		ROTA_TRY(add_sealed(dir, version, &out->timeline, why));
		root = NULL;
	} else {
		enum rota_err err;

		ROTA_TRY(load(dir, version, &root, why));
		err = rota_timeline_add(&out->timeline, root, why);
		if (err != ROTA_OK) {
			json_decref(root);
			return err;
		}
	}
	out->root[at] = root;
	out->kept[at] = has(dir, version, "slot.json");
	out->open[at] = rota_ahead_pin(dir, version) ||
		(rota_authdir_slots_held(dir) && has(dir, version, "held"));
	return ROTA_OK;
}

enum rota_err rota_ahead_open(
	const struct rota_authdir *dir, struct rota_ahead *out, struct rota_fail *why)
{
	uint64_t first, last, published;

	*out = (struct rota_ahead){ 0 };
	ROTA_TRY(bounds(dir, &first, &last, why));
	ROTA_TRY(rota_store_newest(dir, "root", false, &published, why));
	if (published > last) /* one that was signed for now */
		last = published;
	for (uint64_t v = first - 1; first && v <= last; v++) {
		if (add(dir, v, published, out, why) != ROTA_OK) {
			rota_ahead_close(out);
			return rota_fail_in(why, "root %llu of the series", (unsigned long long)v);
		}
	}
	return ROTA_OK;
}

void rota_ahead_close(struct rota_ahead *a)
{
	for (size_t i = 0; i < a->timeline.count; i++)
		json_decref(a->root[i]);
	a->timeline.count = 0;
}

void rota_ahead_due(const struct rota_ahead *a, uint64_t now, struct rota_due *out)
{
	struct rota_due all;

	rota_timeline_due(&a->timeline, now, &all);
	*out = (struct rota_due){ .publish = all.publish };
	for (size_t i = 0; i < all.signers; i++)
		if (a->root[all.sign[i]] && a->kept[all.sign[i]] == a->open[all.sign[i]])
			out->sign[out->signers++] = all.sign[i];
	for (size_t i = 0; i < a->timeline.count; i++) {
		if (a->root[i])
			continue;
		if (out->publish >= a->timeline.at[i].version)
			out->publish = a->timeline.at[i].version - 1;
		break;
	}
}

enum rota_err rota_ahead_newest(
	const struct rota_authdir *dir, json_t **root, struct rota_fail *why)
{
	uint64_t first, last, published;

	ROTA_TRY(bounds(dir, &first, &last, why));
	ROTA_TRY(rota_store_newest(dir, "root", false, &published, why));
	if (last > published)
		return load(dir, last, root, why);
	return rota_store_signed(dir, "root", root, why);
}

enum rota_err rota_ahead_none(const struct rota_authdir *dir, struct rota_fail *why)
{
	uint64_t published;
	json_t *root;
	bool none;

	ROTA_TRY(rota_store_newest(dir, "root", false, &published, why));
	ROTA_TRY(rota_ahead_newest(dir, &root, why));
	none = rota_chain_version(root) == published && !json_object_get(root, "x-rota-slot-end");
	json_decref(root);
	if (none)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_STATE,
		"a series of online keys is under way; before root changes, end it: rota series "
		"end, and publish (SPEC 23.9)");
}

/* All of this version and above. */
static enum rota_err remove_from(
	const struct rota_authdir *dir, uint64_t first, struct rota_fail *why)
{
	char folder[ROTA_FILE_PATH_MAX];
	struct rota_inventory files;
	enum rota_err err = ROTA_OK;

	folder_path(dir, folder);
	ROTA_TRY(rota_inventory_load(folder, &files, why));
	for (size_t i = 0; err == ROTA_OK && i < files.count; i++)
		if (files.at[i].version >= first)
			err = rota_ahead_drop(dir, files.at[i].version, why);
	rota_inventory_free(&files);
	return err;
}

enum rota_err rota_ahead_begin(
	const struct rota_authdir *dir, uint64_t first, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX], text[NOTE_MAX];

	folder_path(dir, path);
	ROTA_TRY(rota_file_mkdirs(path, 0750, why));
	rota_authdir_path(dir, MAKING, path);
	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)first);
	ROTA_TRY(rota_file_write(path, rota_span_cstr(text), 0600, why));
	return remove_from(dir, first, why);
}

enum rota_err rota_ahead_end(const struct rota_authdir *dir, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	rota_authdir_path(dir, MAKING, path);
	return rota_file_remove(path, why);
}

enum rota_err rota_ahead_put(const struct rota_authdir *dir, json_t **before, struct rota_span file,
	struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	ROTA_TRY(rota_chain_succeed(before, file, why));
	root_path(dir, rota_chain_version(*before), path);
	return rota_file_write(path, file, FILE_MODE, why);
}

enum rota_err rota_ahead_publish(
	const struct rota_authdir *dir, uint64_t version, struct rota_fail *why)
{
	enum rota_err err = ROTA_OK;
	uint64_t newest;
	json_t *root;

	ROTA_TRY(rota_store_signed(dir, "root", &root, why));
	newest = rota_chain_version(root);
	while (err == ROTA_OK && newest < version) {
		char path[ROTA_FILE_PATH_MAX];
		struct rota_bytes file;

		root_path(dir, ++newest, path);
		err = rota_file_read(path, ROTA_ENVELOPE_MAX, &file, why);
		if (err != ROTA_OK)
			break;
		err = rota_chain_succeed(&root, rota_bytes_span(&file), why);
		if (err == ROTA_OK)
			err = rota_store_put(dir, "root", newest, rota_bytes_span(&file), why);
		rota_bytes_free(&file);
	}
	json_decref(root);
	return err;
}

enum rota_err rota_ahead_keep(const struct rota_authdir *dir, uint64_t version, uint64_t from_s,
	uint64_t until_s, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX], from[ROTA_WHEN_LEN], until[ROTA_WHEN_LEN], text[128];

	rota_when_text(from_s, from);
	rota_when_text(until_s, until);
	snprintf(text, sizeof(text), "{\"from\":\"%s\",\"until\":\"%s\"}", from, until);
	path_of(dir, version, "slot.json", path);
	return rota_file_write(path, rota_span_cstr(text), FILE_MODE, why);
}

enum rota_err rota_ahead_file(const struct rota_authdir *dir, uint64_t version,
	struct rota_bytes *out, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	root_path(dir, version, path);
	return rota_file_read(path, ROTA_ENVELOPE_MAX, out, why);
}

enum rota_err rota_ahead_sealed(
	const struct rota_authdir *dir, uint64_t version, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	root_path(dir, version, path);
	return rota_file_remove(path, why);
}

enum rota_err rota_ahead_arrived(const struct rota_authdir *dir, uint64_t version,
	struct rota_span file, bool for_good, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	enum rota_err err;
	json_t *before;

	ROTA_TRY(load(dir, version - 1, &before, why));
	err = rota_chain_succeed(&before, file, why);
	json_decref(before);
	if (err != ROTA_OK)
		return rota_fail_in(why, "root %llu of the keeper", (unsigned long long)version);
	root_path(dir, version, path);
	ROTA_TRY(rota_file_write(path, file, FILE_MODE, why));
	path_of(dir, version, "slot.json", path);
	return for_good ? rota_file_remove(path, why) : ROTA_OK;
}

enum rota_err rota_ahead_held(
	const struct rota_authdir *dir, uint64_t version, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	path_of(dir, version, "held", path);
	return rota_file_write(path, ROTA_STR(""), FILE_MODE, why);
}

/* The slot last: as long as that is there, the others are to be removed too. */
enum rota_err rota_ahead_drop(
	const struct rota_authdir *dir, uint64_t version, struct rota_fail *why)
{
	static const char *const endings[] = { "pin", "held", "root.json", "slot.json" };

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		char path[ROTA_FILE_PATH_MAX];

		path_of(dir, version, endings[i], path);
		ROTA_TRY(rota_file_remove(path, why));
	}
	return ROTA_OK;
}
