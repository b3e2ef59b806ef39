/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/released.h"
#include "host/repo/bins.h"
#include "host/repo/inventory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROLE "releases"

static bool is_release(const char *path)
{
	static const char end[] = "/release.json";
	size_t len = strlen(path);

	return len > strlen(end) && strcmp(path + len - strlen(end), end) == 0;
}

static void add(struct rota_released *out, const char *path, const json_t *entry)
{
	struct rota_store_target target;
	struct rota_released_file *at;

	if (!is_release(path) || !rota_store_target_read(entry, &target))
		return;
	at = realloc(out->at, (out->count + 1) * sizeof(*at));
	if (!at)
		abort();
	out->at = at;
	at += out->count++;
	at->path = rota_text("%s", path);
	memcpy(at->sha256, target.sha256, sizeof(at->sha256));
}

static void add_all(struct rota_released *out, const json_t *content)
{
	const json_t *entry;
	const char *path;

	json_object_foreach((json_t *)(uintptr_t)json_object_get(content, "targets"), path, entry)
		add(out, path, entry);
}

static enum rota_err add_bin(const struct rota_authdir *dir, const json_t *content,
	const struct rota_inventory_file *bin, struct rota_released *out, struct rota_fail *why)
{
	struct rota_bytes file;
	json_t *listed;
	enum rota_err err;

	ROTA_TRY(rota_store_read_staged(dir, bin->role, bin->version, &file, why));
	err = rota_bins_verify(content, rota_bytes_span(&file), &listed, why);
	rota_bytes_free(&file);
	if (err != ROTA_OK)
		return rota_fail_in(why, "staged bin %s", bin->role);
	add_all(out, listed);
	json_decref(listed);
	return ROTA_OK;
}

/* Of a bin the last version in staging counts. */
static enum rota_err add_bins(const struct rota_authdir *dir, const json_t *content, unsigned bits,
	struct rota_released *out, struct rota_fail *why)
{
	struct rota_inventory staged;
	char path[ROTA_FILE_PATH_MAX];
	enum rota_err err = ROTA_OK;

	rota_authdir_path(dir, "staging", path);
	ROTA_TRY(rota_inventory_load(path, &staged, why));
	for (size_t i = 0; err == ROTA_OK && i < staged.count; i++) {
		const char *name = staged.at[i].role;
		bool last = i + 1 == staged.count || strcmp(staged.at[i + 1].role, name) != 0;

		if (last && rota_bins_has(ROLE, bits, name))
			err = add_bin(dir, content, &staged.at[i], out, why);
	}
	rota_inventory_free(&staged);
	return err;
}

enum rota_err rota_released_load(
	const struct rota_authdir *dir, struct rota_released *out, struct rota_fail *why)
{
	json_t *content;
	unsigned bits;
	enum rota_err err;

	*out = (struct rota_released){ 0 };
	ROTA_TRY(rota_store_signed(dir, ROLE, &content, why));
	add_all(out, content);
	err = rota_bins_of(content, ROLE, &bits, why);
	if (err == ROTA_OK && bits)
		err = add_bins(dir, content, bits, out, why);
	json_decref(content);
	return err;
}

void rota_released_free(struct rota_released *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->at[i].path);
	free(list->at);
	*list = (struct rota_released){ 0 };
}

/* ---- entries of the signing log ---- */

/* Adds what a published file of the role, or of one of its bins, lists; nothing where there is none. */
static enum rota_err add_published(const struct rota_authdir *dir, const char *role,
	const json_t *verifier, json_t *known, struct rota_fail *why)
{
	struct rota_bytes file;
	json_t *content;
	uint64_t version;
	enum rota_err err;

	ROTA_TRY(rota_store_newest(dir, role, false, &version, why));
	if (version == 0)
		return ROTA_OK;
	if (!verifier) {
		ROTA_TRY(rota_store_verified(dir, role, version, &file, &content, why));
		rota_bytes_free(&file);
	} else {
		ROTA_TRY(rota_store_read(dir, role, version, &file, why));
		err = rota_bins_verify(verifier, rota_bytes_span(&file), &content, why);
		rota_bytes_free(&file);
		ROTA_TRY(err);
	}
	json_object_update(known, json_object_get(content, "targets"));
	json_decref(content);
	return ROTA_OK;
}

/* What stands under a path in the published role, or in the bin that would have it. */
static enum rota_err find_published(const struct rota_authdir *dir, const char *path,
	const json_t *content, unsigned bits, json_t *known, struct rota_fail *why)
{
	char bin[ROTA_BIN_NAME_MAX];

	if (!bits || json_object_get(known, path))
		return ROTA_OK;
	rota_bins_name(ROLE, bits, rota_bins_index(path, bits), bin);
	return add_published(dir, bin, content, known, why);
}

static bool stands(const json_t *known, const struct rota_released_file *file)
{
	struct rota_store_target target;

	return rota_store_target_read(json_object_get(known, file->path), &target) &&
		memcmp(target.sha256, file->sha256, sizeof(file->sha256)) == 0;
}

/* DIR/recorded/DIGEST, with the entry's index in digits. */
static void note_path(
	const struct rota_authdir *dir, const char *hex, char out[static ROTA_FILE_PATH_MAX])
{
	char name[sizeof("recorded/") + ROTA_DIGEST_HEX];

	snprintf(name, sizeof(name), "recorded/%s", hex);
	rota_authdir_path(dir, name, out);
}

static bool noted(const char *path, uint64_t *entry)
{
	struct rota_bytes text;
	struct rota_fail why;
	char digits[24];

	if (rota_file_read(path, sizeof(digits) - 1, &text, &why) != ROTA_OK)
		return false;
	memcpy(digits, text.p, text.len);
	digits[text.len] = 0;
	rota_bytes_free(&text);
	*entry = strtoull(digits, NULL, 10);
	return digits[0] >= '0' && digits[0] <= '9';
}

static enum rota_err note(
	const struct rota_authdir *dir, const char *path, uint64_t entry, struct rota_fail *why)
{
	char folder[ROTA_FILE_PATH_MAX], digits[24];

	rota_authdir_path(dir, "recorded", folder);
	ROTA_TRY(rota_file_mkdirs(folder, 0755, why));
	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)entry);
	return rota_file_write(path, rota_span_cstr(digits), 0644, why);
}

static enum rota_err record_one(struct rota_desk *desk, const struct rota_released_file *file,
	uint64_t *entry, struct rota_fail *why)
{
	char hex[ROTA_DIGEST_HEX], path[ROTA_FILE_PATH_MAX];
	json_t *event;
	enum rota_err err;

	rota_hex(ROTA_SPAN(file->sha256), hex);
	note_path(desk->dir, hex, path);
	if (noted(path, entry))
		return ROTA_OK;
	event = json_pack(
		"{s:s,s:s,s:s,s:{}}", "digest", hex, "kind", "release", "path", file->path, "what");
	err = desk->notary->record(desk->notary->ctx,
		&(struct rota_notary_event){ .role = ROLE, .event = event }, entry, why);
	json_decref(event);
	if (err != ROTA_OK)
		return rota_fail_in(why, "%s", file->path);
	return *entry == ROTA_NOTARY_NO_ENTRY ? ROTA_OK : note(desk->dir, path, *entry, why);
}

static void forget(const struct rota_authdir *dir, const struct rota_released_file *file)
{
	char hex[ROTA_DIGEST_HEX], path[ROTA_FILE_PATH_MAX];

	rota_hex(ROTA_SPAN(file->sha256), hex);
	note_path(dir, hex, path);
	(void)unlink(path);
}

enum rota_err rota_released_record(struct rota_desk *desk, uint64_t *least, struct rota_fail *why)
{
	json_t *known, *content = NULL;
	struct rota_released list;
	unsigned bits = 0;
	uint64_t entry;
	enum rota_err err;

	*least = 0;
	if (!desk->dir->signd[0]) /* nobody keeps a log */
		return ROTA_OK;
	known = json_object();
	err = rota_released_load(desk->dir, &list, why);
	if (err == ROTA_OK)
		err = rota_store_signed(desk->dir, ROLE, &content, why);
	if (err == ROTA_OK)
		err = rota_bins_of(content, ROLE, &bits, why);
	if (err == ROTA_OK)
		err = add_published(desk->dir, ROLE, NULL, known, why);
	for (size_t i = 0; err == ROTA_OK && i < list.count; i++) {
		err = find_published(desk->dir, list.at[i].path, content, bits, known, why);
		if (err == ROTA_OK && stands(known, &list.at[i])) {
			forget(desk->dir, &list.at[i]);
			continue;
		}
		if (err == ROTA_OK)
			err = record_one(desk, &list.at[i], &entry, why);
		if (err == ROTA_OK && entry != ROTA_NOTARY_NO_ENTRY && entry >= *least)
			*least = entry + 1;
	}
	json_decref(known);
	json_decref(content);
	rota_released_free(&list);
	return err;
}
