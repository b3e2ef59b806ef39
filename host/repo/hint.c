/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/hint.h"
#include "host/repo/inventory.h"
#include "host/sign/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Public keys of the role root, sorted, and its threshold: what makes two roots interchangeable for the next. */
static json_t *who_signs(const json_t *root)
{
	const json_t *role = json_object_get(json_object_get(root, "roles"), "root");
	const json_t *ids = json_object_get(role, "keyids");
	json_t *keys = json_object();

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const json_t *key = json_object_get(json_object_get(root, "keys"), id ? id : "");
		const char *public = json_string_value(
			json_object_get(json_object_get(key, "keyval"), "public"));

		if (public)
			json_object_set_new(keys, public, json_true());
	}
	return json_pack(
		"{s:o,s:O?}", "keys", keys, "threshold", json_object_get(role, "threshold"));
}

static enum rota_err read_root(
	const char *metadata, uint64_t version, json_t **who, struct rota_fail *why)
{
	char *path = rota_text("%s/%llu.root.json", metadata, (unsigned long long)version);
	struct rota_bytes text;
	json_t *whole;
	enum rota_err err = rota_file_read(path, ROTA_ENVELOPE_MAX, &text, why);

	if (err == ROTA_OK) {
		err = rota_json_parse(rota_bytes_span(&text), &whole, why);
		rota_bytes_free(&text);
	}
	if (err == ROTA_OK) {
		*who = who_signs(json_object_get(whole, "signed"));
		json_decref(whole);
	} else {
		rota_fail_in(why, "%s", path);
	}
	free(path);
	return err;
}

/* Versions that changed who signs the next, ascending. A gap in the versions counts as a change. */
static enum rota_err list_changes(const char *metadata, const struct rota_inventory *files,
	json_t *changed, uint64_t *newest, struct rota_fail *why)
{
	json_t *last = NULL, *who;

	for (size_t i = 0; i < files->count; i++) {
		uint64_t version = files->at[i].version;

		if (strcmp(files->at[i].role, "root") != 0)
			continue;
		if (read_root(metadata, version, &who, why) != ROTA_OK) {
			json_decref(last);
			return why->err;
		}
		if (last && (version != *newest + 1 || !json_equal(last, who)))
			json_array_append_new(changed, json_integer((json_int_t)version));
		json_decref(last);
		last = who;
		*newest = version;
	}
	json_decref(last);
	return ROTA_OK;
}

enum rota_err rota_hint_make(const char *metadata, struct rota_bytes *file, struct rota_fail *why)
{
	json_t *changed = json_array(), *hint;
	struct rota_inventory files;
	uint64_t newest = 0;
	enum rota_err err;

	*file = (struct rota_bytes){ 0 };
	err = rota_inventory_load(metadata, &files, why);
	if (err == ROTA_OK)
		err = list_changes(metadata, &files, changed, &newest, why);
	hint = json_pack(
		"{s:o,s:I,s:i}", "changed", changed, "newest", (json_int_t)newest, "version", 1);
	if (err == ROTA_OK)
		err = rota_json_encode(hint, ROTA_JSON_FILE, file, why);
	while (err == ROTA_OK && file->len > ROTA_HINT_MAX) {
		json_array_remove(changed, 0);
		rota_bytes_free(file);
		err = rota_json_encode(hint, ROTA_JSON_FILE, file, why);
	}
	json_decref(hint);
	rota_inventory_free(&files);
	return err;
}

enum rota_err rota_hint_write(const struct rota_authdir *dir, struct rota_fail *why)
{
	char *metadata = rota_text("%s/metadata", dir->repo);
	char *path = rota_text("%s/" ROTA_HINT_NAME, metadata);
	struct rota_bytes want, is = { 0 };
	struct rota_fail none;
	enum rota_err err = rota_hint_make(metadata, &want, why);
	bool same;

	if (err == ROTA_OK) {
		same = rota_file_read(path, ROTA_HINT_MAX, &is, &none) == ROTA_OK &&
			rota_span_eq(rota_bytes_span(&is), rota_bytes_span(&want));
		if (!same)
			err = rota_file_write(path, rota_bytes_span(&want), 0644, why);
	}
	rota_bytes_free(&want);
	rota_bytes_free(&is);
	free(path);
	free(metadata);
	return err;
}
