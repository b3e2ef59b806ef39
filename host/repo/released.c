/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/released.h"
#include "host/repo/bins.h"
#include "host/repo/inventory.h"

#include <stdlib.h>
#include <string.h>

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
