/* SPDX-License-Identifier: Apache-2.0 */
#include "host/keys/census_images.h"
#include "host/repo/store.h"
#include "host/sign/imagefile.h"
#include "host/sign/p256.h"
#include "rota/codec/release.h"

#include <stdio.h>
#include <string.h>

#define RECORD_MAX 65536

enum rota_err rota_census_keys_load(
	const struct rota_authdir *dir, struct rota_census_keys *out, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	json_t *record;
	const json_t *rows;

	out->count = 0;
	rota_authdir_path(dir, "trust/image-keys.json", path);
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(rota_json_load(path, RECORD_MAX, &record, why));
	rows = json_object_get(record, "keys");
	for (size_t i = 0; i < json_array_size(rows) && out->count < ROTA_CENSUS_KEYS_MAX; i++) {
		const json_t *row = json_array_get(rows, i);
		const char *hex = json_string_value(json_object_get(row, "public"));
		const char *channel = json_string_value(json_object_get(row, "channel"));

		/* a promoted image bears the signature for ci still; it counts on no production device */
		if (!hex || (channel && strcmp(channel, "ci") == 0) ||
			!rota_unhex(hex, ROTA_BUF(out->point[out->count])))
			continue;
		rota_p256_key_id(out->point[out->count], out->id[out->count]);
		out->count++;
	}
	json_decref(record);
	return out->count < ROTA_CENSUS_KEYS_MAX
		? ROTA_OK
		: rota_fail(why, ROTA_ERR_LIMIT, "%s: more than %d keys", path,
			  ROTA_CENSUS_KEYS_MAX - 1);
}

bool rota_census_keys_find(const struct rota_census_keys *keys, const char *id, size_t *place)
{
	for (*place = 0; *place < keys->count; ++*place)
		if (strcmp(keys->id[*place], id) == 0)
			return true;
	return false;
}

/* Keys, a bit each, whose signature an image has: one that verifies. */
static uint32_t signers_of(const struct rota_census_keys *keys, const struct rota_image_info *info)
{
	uint8_t spki[ROTA_P256_SPKI_LEN], hash[ROTA_DIGEST_LEN];
	uint32_t signers = 0;

	for (size_t k = 0; k < keys->count; k++) {
		rota_p256_spki(keys->point[k], spki);
		rota_digest_of(ROTA_SPAN(spki), hash);
		for (size_t i = 0; i < info->signature_count; i++)
			if (memcmp(hash, info->signature[i].key_hash, sizeof(hash)) == 0 &&
				rota_p256_verify(
					keys->point[k], info->digest, info->signature[i].raw))
				signers |= 1U << k;
	}
	return signers;
}

static bool is_one(uint32_t bits)
{
	return bits != 0 && (bits & (bits - 1)) == 0;
}

static enum rota_err look_at_component(const struct rota_authdir *dir,
	const struct rota_crypto *crypto, const struct rota_census_keys *keys,
	const json_t *component, uint32_t *alone, struct rota_fail *why)
{
	const char *target = json_string_value(json_object_get(component, "path"));
	const char *hex = json_string_value(json_object_get(component, "sha256"));
	char path[ROTA_FILE_PATH_MAX];
	uint8_t sha256[ROTA_DIGEST_LEN];
	struct rota_image_info info;
	uint32_t signers;

	if (!json_object_get(component, "digest")) /* no image */
		return ROTA_OK;
	if (!target || !hex || !rota_unhex(hex, ROTA_BUF(sha256)))
		return rota_fail(why, ROTA_ERR_FORMAT, "a component without a file");
	rota_store_target_path(dir, target, sha256, path);
	ROTA_TRY(rota_imagefile_read(path, crypto, NULL, &info, why));
	if (memcmp(info.file_sha256, sha256, sizeof(sha256)) != 0)
		return rota_fail(why, ROTA_ERR_HASH, "%s is not what was listed", path);
	signers = signers_of(keys, &info);
	*alone |= is_one(signers) ? signers : 0;
	return ROTA_OK;
}

/* The file that has this digest, of either role. */
static enum rota_err read_release(const struct rota_authdir *dir, const char *version,
	const char *digest, json_t **out, struct rota_fail *why)
{
	static const char *const roles[] = { "releases", "ci" };
	uint8_t sha256[ROTA_DIGEST_LEN], is[ROTA_DIGEST_LEN];
	char target[256], path[ROTA_FILE_PATH_MAX];
	struct rota_bytes file;
	enum rota_err err;
	size_t i = 0;

	if (!rota_unhex(digest, ROTA_BUF(sha256)) || strchr(version, '/'))
		return rota_fail(why, ROTA_ERR_NOT_FOUND, "no release");
	do {
		if (snprintf(target, sizeof(target), "%s/%s/%s/release.json", roles[i],
			    dir->product, version) >= (int)sizeof(target))
			return rota_fail(why, ROTA_ERR_NOT_FOUND, "no release");
		rota_store_target_path(dir, target, sha256, path);
	} while (!rota_file_exists(path) && ++i < sizeof(roles) / sizeof(roles[0]));
	ROTA_TRY(rota_file_read(path, ROTA_RELEASE_MAX, &file, why));
	rota_digest_of(rota_bytes_span(&file), is);
	err = memcmp(is, sha256, sizeof(is)) == 0
		? rota_json_parse(rota_bytes_span(&file), out, why)
		: rota_fail(why, ROTA_ERR_HASH, "%s is not what was listed", path);
	rota_bytes_free(&file);
	return err;
}

enum rota_err rota_census_alone(const struct rota_authdir *dir, const struct rota_crypto *crypto,
	const struct rota_census_keys *keys, const char *version, const char *digest,
	uint32_t *alone, struct rota_fail *why)
{
	const json_t *components;
	enum rota_err err = ROTA_OK;
	json_t *release;

	*alone = 0;
	ROTA_TRY(read_release(dir, version, digest, &release, why));
	components = json_object_get(release, "components");
	for (size_t i = 0; err == ROTA_OK && i < json_array_size(components); i++)
		err = look_at_component(
			dir, crypto, keys, json_array_get(components, i), alone, why);
	json_decref(release);
	return err;
}
