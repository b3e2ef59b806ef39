/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/publish_bins.h"
#include "host/repo/bins.h"
#include "host/repo/inventory.h"
#include "host/repo/store.h"

#include <stdio.h>
#include <string.h>

/* One bin into its place, and into the list. */
static enum rota_err bring(struct rota_desk *desk, const json_t *content,
	const struct rota_inventory_file *bin, json_t *meta, struct rota_fail *why)
{
	char name[ROTA_INVENTORY_NAME_MAX + 8], hex[ROTA_DIGEST_HEX];
	struct rota_bytes file;
	json_t *again;
	enum rota_err err;

	ROTA_TRY(rota_store_read_staged(desk->dir, bin->role, bin->version, &file, why));
	err = rota_bins_verify(content, rota_bytes_span(&file), &again, why);
	json_decref(again);
	if (err != ROTA_OK)
		rota_fail_in(why, "staged bin %s is not what its role signed", bin->role);
	else
		err = rota_store_put(
			desk->dir, bin->role, bin->version, rota_bytes_span(&file), why);
	if (err == ROTA_OK) {
		rota_digest_hex(rota_bytes_span(&file), hex);
		snprintf(name, sizeof(name), "%s.json", bin->role);
		json_object_set_new(meta, name,
			json_pack("{s:{s:s},s:I,s:I}", "hashes", "sha256", hex, "length",
				(json_int_t)file.len, "version", (json_int_t)bin->version));
	}
	rota_bytes_free(&file);
	return err;
}

/* Whether `name` is one of the bins that the role has now; there may be more than one version of it in staging,
 * of which the last counts. */
static bool is_current(
	const struct rota_inventory *staged, size_t i, const char *role, unsigned bits)
{
	const char *name = staged->at[i].role;

	if (i + 1 < staged->count && strcmp(staged->at[i + 1].role, name) == 0)
		return false;
	return rota_bins_has(role, bits, name);
}

static enum rota_err all_listed(
	const char *role, unsigned bits, const json_t *meta, struct rota_fail *why)
{
	char bin[ROTA_BIN_NAME_MAX], name[ROTA_BIN_NAME_MAX + 8];

	for (uint32_t i = 0; i < 1u << bits; i++) {
		rota_bins_name(role, bits, i, bin);
		snprintf(name, sizeof(name), "%s.json", bin);
		if (!json_object_get(meta, name))
			return rota_fail(why, ROTA_ERR_NOT_FOUND,
				"no snapshot says which version of bin %s counts; have its role "
				"sign all of them anew: rota repo bins %s --resign",
				bin, role);
	}
	return ROTA_OK;
}

enum rota_err rota_publish_bins(struct rota_desk *desk, const char *role, json_t *meta,
	unsigned *count, struct rota_fail *why)
{
	struct rota_inventory staged = { 0 };
	char path[ROTA_FILE_PATH_MAX];
	json_t *content;
	unsigned bits;
	enum rota_err err;

	*count = 0;
	ROTA_TRY(rota_store_signed(desk->dir, role, &content, why));
	rota_authdir_path(desk->dir, "staging", path);
	err = rota_bins_of(content, role, &bits, why);
	if (err == ROTA_OK && bits)
		err = rota_inventory_load(path, &staged, why);
	for (size_t i = 0; err == ROTA_OK && i < staged.count; i++) {
		if (!is_current(&staged, i, role, bits))
			continue;
		err = bring(desk, content, &staged.at[i], meta, why);
		++*count;
	}
	if (err == ROTA_OK && bits)
		err = all_listed(role, bits, meta, why);
	rota_inventory_free(&staged);
	json_decref(content);
	return err;
}
