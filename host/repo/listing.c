/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/listing.h"
#include "host/repo/chain.h"
#include "host/repo/inventory.h"
#include "host/repo/listed.h"
#include "host/repo/making.h"
#include "host/repo/store.h"
#include "host/sign/duty.h"
#include "rota/trust/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A version of the role's file, or of one of its bins, is taken. */
static void take(struct rota_listing *l, const char *role, uint64_t version)
{
	if (version > l->highest && (strcmp(role, l->role) == 0 || rota_bins_named(l->role, role)))
		l->highest = version;
}

/* The version of a bin that counts, if there is none yet or an older one. */
static void note(struct rota_listing *l, uint32_t index, uint64_t version)
{
	if (version > l->newest[index])
		l->newest[index] = version;
}

/* By the names in one directory. */
static enum rota_err look_in(struct rota_listing *l, const char *path, struct rota_fail *why)
{
	char name[ROTA_BIN_NAME_MAX];
	struct rota_inventory files;

	ROTA_TRY(rota_inventory_load(path, &files, why));
	for (size_t i = 0; i < files.count; i++)
		take(l, files.at[i].role, files.at[i].version);
	for (uint32_t i = 0; l->bits && i < 1u << l->bits; i++) {
		rota_bins_name(l->role, l->bits, i, name);
		note(l, i, rota_inventory_newest(&files, name));
	}
	rota_inventory_free(&files);
	return ROTA_OK;
}

/* By what the last snapshot lists. */
static void look_up(struct rota_listing *l)
{
	const char *file;
	json_t *entry;
	char name[ROTA_BIN_NAME_MAX];

	json_object_foreach(l->meta, file, entry)
	{
		snprintf(name, sizeof(name), "%.*s", (int)(strlen(file) - strlen(".json")), file);
		take(l, name, rota_chain_version(entry));
	}
	for (uint32_t i = 0; l->bits && i < 1u << l->bits; i++) {
		rota_bins_name(l->role, l->bits, i, name);
		note(l, i, rota_listed_version(l->meta, name));
	}
}

static enum rota_err look(struct rota_listing *l, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	l->newest = calloc((size_t)1 << l->bits, sizeof(*l->newest));
	if (!l->newest)
		abort();
	if ((size_t)snprintf(path, sizeof(path), "%s/metadata", l->dir->repo) >= sizeof(path))
		return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", l->dir->repo);
	ROTA_TRY(rota_listed_load(l->dir, &l->meta, why));
	if (rota_listed_version(l->meta, l->role))
		look_up(l);
	else
		ROTA_TRY(look_in(l, path, why));
	rota_authdir_path(l->dir, "staging", path);
	return look_in(l, path, why);
}

enum rota_err rota_listing_open(const struct rota_authdir *dir, const char *role,
	struct rota_listing *out, struct rota_fail *why)
{
	enum rota_err err;

	*out = (struct rota_listing){ .dir = dir, .role = role };
	ROTA_TRY(rota_making_undo(dir, why));
	ROTA_TRY(rota_store_signed(dir, role, &out->content, why));
	err = rota_bins_of(out->content, role, &out->bits, why);
	if (err == ROTA_OK)
		err = look(out, why);
	if (err != ROTA_OK)
		rota_listing_close(out);
	return err;
}

static void forget_bins(struct rota_listing *l)
{
	for (size_t i = 0; i < l->bin_count; i++)
		json_decref(l->bins[i].content);
	free(l->bins);
	l->bins = NULL;
	l->bin_count = 0;
}

void rota_listing_close(struct rota_listing *l)
{
	forget_bins(l);
	json_decref(l->content);
	json_decref(l->meta);
	l->content = l->meta = NULL;
	free(l->newest);
	l->newest = NULL;
}

enum rota_err rota_listing_bin(
	const struct rota_listing *l, uint32_t index, json_t **content, struct rota_fail *why)
{
	char name[ROTA_BIN_NAME_MAX];
	struct rota_bytes file;
	uint64_t version = l->newest[index];
	enum rota_err err;

	*content = NULL;
	rota_bins_name(l->role, l->bits, index, name);
	if (version == 0)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"%s: bin %s is missing; put it back, or rota repo verify says more",
			l->dir->repo, name);
	ROTA_TRY(rota_store_read(l->dir, name, version, &file, why));
	err = rota_listed_check(l->meta, name, version, rota_bytes_span(&file), why);
	if (err == ROTA_OK)
		err = rota_bins_verify(l->content, rota_bytes_span(&file), content, why);
	rota_bytes_free(&file);
	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail_in(why,
		"version %llu of bin %s is not what its role signed; put the right file back",
		(unsigned long long)version, name);
}

/* The bin of `path`, read when it is not open. *bin NULL: the role has none. */
static enum rota_err open_bin(struct rota_listing *l, const char *path,
	struct rota_listing_bin **bin, struct rota_fail *why)
{
	struct rota_listing_bin one = { 0 };

	*bin = NULL;
	if (l->bits == 0)
		return ROTA_OK;
	one.index = rota_bins_index(path, l->bits);
	for (size_t i = 0; i < l->bin_count; i++)
		if (l->bins[i].index == one.index) {
			*bin = &l->bins[i];
			return ROTA_OK;
		}
	ROTA_TRY(rota_listing_bin(l, one.index, &one.content, why));
	l->bins = realloc(l->bins, (l->bin_count + 1) * sizeof(*l->bins));
	if (!l->bins)
		abort();
	*bin = &l->bins[l->bin_count++];
	**bin = one;
	return ROTA_OK;
}

enum rota_err rota_listing_get(
	struct rota_listing *l, const char *path, const json_t **entry, struct rota_fail *why)
{
	struct rota_listing_bin *bin;

	*entry = NULL;
	ROTA_TRY(open_bin(l, path, &bin, why));
	*entry = json_object_get(json_object_get(bin ? bin->content : l->content, "targets"), path);
	return ROTA_OK;
}

enum rota_err rota_listing_set(
	struct rota_listing *l, const char *path, json_t *entry, struct rota_fail *why)
{
	const struct rota_duty *duty = rota_duty_find(l->role);
	struct rota_listing_bin *bin;

	if (!duty || !duty->paths ||
		!rota_path_match(rota_span_cstr(duty->paths), rota_span_cstr(path))) {
		json_decref(entry);
		return rota_fail(why, ROTA_ERR_ROLE, "%s: role %s may sign %s only (SPEC 3.2)",
			path, l->role, duty && duty->paths ? duty->paths : "nothing");
	}
	if (open_bin(l, path, &bin, why) != ROTA_OK) {
		json_decref(entry);
		return why->err;
	}
	json_object_set_new(
		json_object_get(bin ? bin->content : l->content, "targets"), path, entry);
	*(bin ? &bin->changed : &l->changed) = true;
	return ROTA_OK;
}

enum rota_err rota_listing_stage(struct rota_desk *desk, const json_t *content, const char *role,
	const struct rota_seal *seal, json_t *bin, struct rota_fail *why)
{
	struct rota_bytes file;
	json_t *again;
	enum rota_err err;

	ROTA_TRY(rota_metadata_seal(
		desk, rota_authdir_party(desk->dir, role), seal, bin, &file, why));
	err = rota_bins_verify(content, rota_bytes_span(&file), &again, why);
	json_decref(again);
	if (err != ROTA_OK)
		rota_fail_in(why,
			"bin %s: signed with other keys than the file of role %s names for it; "
			"sign that anew with rota repo bins",
			seal->role, role);
	else
		err = rota_store_stage(
			desk->dir, seal->role, seal->version, rota_bytes_span(&file), why);
	rota_bytes_free(&file);
	return err;
}

static enum rota_err sign_bin(struct rota_listing *l, struct rota_desk *desk,
	struct rota_listing_bin *bin, struct rota_fail *why)
{
	char name[ROTA_BIN_NAME_MAX];
	struct rota_seal seal = { .role = name, .version = l->newest[bin->index] + 1 };

	rota_bins_name(l->role, l->bits, bin->index, name);
	ROTA_TRY(rota_listing_stage(desk, l->content, l->role, &seal, bin->content, why));
	bin->changed = false;
	l->newest[bin->index] = seal.version;
	if (seal.version > l->highest)
		l->highest = seal.version;
	return ROTA_OK;
}

enum rota_err rota_listing_sign(
	struct rota_listing *l, struct rota_desk *desk, uint64_t *version, struct rota_fail *why)
{
	*version = 0;
	if (l->changed)
		ROTA_TRY(rota_metadata_sign(desk, l->role, l->content, 0, version, why));
	l->changed = false;
	for (size_t i = 0; i < l->bin_count; i++) {
		if (!l->bins[i].changed)
			continue;
		ROTA_TRY(sign_bin(l, desk, &l->bins[i], why));
		if (l->newest[l->bins[i].index] > *version)
			*version = l->newest[l->bins[i].index];
	}
	forget_bins(l);
	return ROTA_OK;
}
