/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/ahead.h"
#include "host/repo/chain.h"
#include "host/repo/inventory.h"
#include "host/repo/store.h"
#include "host/sign/envelope.h"

#include <stdio.h>
#include <stdlib.h>

#define FOLDER "series"
#define MAKING FOLDER "/making"
#define NOTE_MAX 32 /* digits of a version, and more than enough */

static void folder_path(const struct rota_authdir *dir, char out[static ROTA_FILE_PATH_MAX])
{
	rota_authdir_path(dir, FOLDER, out);
}

static void root_path(
	const struct rota_authdir *dir, uint64_t version, char out[static ROTA_FILE_PATH_MAX])
{
	char name[64];

	snprintf(name, sizeof(name), FOLDER "/%llu.root.json", (unsigned long long)version);
	rota_authdir_path(dir, name, out);
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
		json_t *root;
		enum rota_err err = load(dir, v, &root, why);

		if (err == ROTA_OK)
			err = rota_timeline_add(&out->timeline, root, why);
		if (err != ROTA_OK) {
			rota_ahead_close(out);
			return rota_fail_in(why, "root %llu of the series", (unsigned long long)v);
		}
		out->root[out->timeline.count - 1] = root;
	}
	return ROTA_OK;
}

void rota_ahead_close(struct rota_ahead *a)
{
	for (size_t i = 0; i < a->timeline.count; i++)
		json_decref(a->root[i]);
	a->timeline.count = 0;
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
	ROTA_TRY(rota_file_mkdirs(path, 0700, why));
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
	return rota_file_write(path, file, 0600, why);
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

enum rota_err rota_ahead_drop(
	const struct rota_authdir *dir, uint64_t version, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	root_path(dir, version, path);
	return rota_file_remove(path, why);
}
