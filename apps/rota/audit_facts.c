/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/audit_facts.h"
#include "host/build/dsse.h"
#include "host/build/provenance.h"
#include "host/repo/listing.h"
#include "host/repo/store.h"
#include "rota/codec/release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void audit_facts_open(struct audit_facts *f, const char *dir, const char *export)
{
	struct rota_fail none;

	f->there = !export && rota_authdir_load(dir, &f->dir, &none) == ROTA_OK;
	if (!f->there)
		snprintf(f->dir.dir, sizeof(f->dir.dir), "%s", export ? export : dir);
	if (rota_keys_load(&f->dir, &f->keys, &none) != ROTA_OK)
		f->keys = NULL;
}

void audit_facts_close(struct audit_facts *f)
{
	rota_keys_free(f->keys);
	if (f->there)
		rota_authdir_free(&f->dir);
}

void audit_key_text(const struct audit_facts *f, const char *id, char out[static AUDIT_KEY_MAX])
{
	const struct rota_key_info *key;
	struct rota_fail none;

	if (!f->keys || rota_keys_find(f->keys, id, &key, &none) != ROTA_OK || !key->label[0])
		snprintf(out, AUDIT_KEY_MAX, "key %.16s", id);
	else
		snprintf(out, AUDIT_KEY_MAX, "%s of %s", key->label,
			key->owner[0] ? key->owner : key->token);
}

/* A target file of this digest. */
static enum rota_err read_target(const struct rota_authdir *dir, const char *path,
	const uint8_t sha256[static ROTA_DIGEST_LEN], size_t max, struct rota_bytes *out)
{
	char file[ROTA_FILE_PATH_MAX];
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_fail none;

	rota_store_target_path(dir, path, sha256, file);
	ROTA_TRY(rota_file_read(file, max, out, &none));
	rota_digest_of(rota_bytes_span(out), digest);
	if (memcmp(digest, sha256, sizeof(digest)) == 0)
		return ROTA_OK;
	rota_bytes_free(out);
	return ROTA_ERR_HASH;
}

/* What one builder says. */
static json_t *builder_json(const char *name, struct rota_span text)
{
	const json_t *predicate, *definition, *parameters, *metadata;
	json_t *statement, *out;
	struct rota_fail none;

	if (rota_provenance_parse(text, &statement, &none) != ROTA_OK)
		return NULL;
	predicate = json_object_get(statement, "predicate");
	definition = json_object_get(predicate, "buildDefinition");
	parameters = json_object_get(definition, "externalParameters");
	metadata = json_object_get(json_object_get(predicate, "runDetails"), "metadata");
	out = json_pack("{s:s,s:O?,s:O?,s:O?}", "builder", name, "invocation",
		json_object_get(metadata, "invocationId"), "revision",
		json_object_get(parameters, "revision"), "source",
		json_object_get(parameters, "source"));
	json_decref(statement);
	return out;
}

/* The statements of known builders in a bundle that was checked. */
static json_t *builders_json(const struct rota_authdir *dir, struct rota_span bundle)
{
	uint8_t points[ROTA_NAMED_KEYS_MAX][ROTA_P256_KEY_LEN];
	json_t *list = json_array();
	struct rota_span line;

	for (size_t i = 0; i < dir->builder_count; i++)
		memcpy(points[i], dir->builders[i].key, sizeof(points[i]));
	while (rota_dsse_line(&bundle, &line)) {
		struct rota_bytes text;
		struct rota_fail none;
		size_t signer;

		if (rota_dsse_read(line, (const uint8_t(*)[ROTA_P256_KEY_LEN])points,
			    dir->builder_count, &text, &signer, &none) != ROTA_OK)
			continue;
		if (signer < dir->builder_count)
			json_array_append_new(list,
				builder_json(dir->builders[signer].name, rota_bytes_span(&text)));
		rota_bytes_free(&text);
	}
	return list;
}

/* The digest that role releases lists for a path; false: none. */
static bool find_listed(
	const struct rota_authdir *dir, const char *path, struct rota_store_target *target)
{
	struct rota_listing listing;
	struct rota_fail none;
	const json_t *entry = NULL;
	bool found;

	if (rota_listing_open(dir, "releases", &listing, &none) != ROTA_OK)
		return false;
	found = rota_listing_get(&listing, path, &entry, &none) == ROTA_OK && entry &&
		rota_store_target_read(entry, target);
	rota_listing_close(&listing);
	return found;
}

/* NULL: no bundle, or it does not hold for this release. */
static json_t *find_builders(const struct rota_authdir *dir, const json_t *release)
{
	const char *path = json_string_value(json_object_get(release, "provenance"));
	struct rota_store_target target;
	struct rota_bytes bundle;
	struct rota_fail none;
	json_t *list = NULL;

	if (!path || !find_listed(dir, path, &target) ||
		read_target(dir, path, target.sha256, ROTA_DSSE_BUNDLE_MAX, &bundle) != ROTA_OK)
		return NULL;
	if (rota_provenance_check(rota_bytes_span(&bundle), dir->builders, dir->builder_count,
		    release, 1, &none) == ROTA_OK)
		list = builders_json(dir, rota_bytes_span(&bundle));
	rota_bytes_free(&bundle);
	return list;
}

json_t *audit_build(const struct audit_facts *f, const struct rota_leaf *leaf)
{
	static const char end[] = "/release.json";
	char path[ROTA_LEAF_MAX];
	struct rota_bytes file;
	struct rota_fail none;
	json_t *release, *out;

	snprintf(path, sizeof(path), "%.*s", (int)leaf->path.len, (const char *)leaf->path.p);
	if (!f->there || leaf->path.len < strlen(end) ||
		strcmp(path + leaf->path.len - strlen(end), end) != 0 ||
		read_target(&f->dir, path, leaf->digest, ROTA_RELEASE_MAX, &file) != ROTA_OK)
		return NULL;
	if (rota_json_parse(rota_bytes_span(&file), &release, &none) != ROTA_OK)
		release = json_object();
	rota_bytes_free(&file);
	out = json_pack("{s:O?,s:O*,s:o*}", "build", json_object_get(release, "build"),
		"provenance", json_object_get(release, "provenance"), "builders",
		find_builders(&f->dir, release));
	json_decref(release);
	return out;
}
