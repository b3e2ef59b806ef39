/* SPDX-License-Identifier: Apache-2.0 */
#include "host/keys/named.h"
#include "host/base/when.h"
#include "host/pki/cert.h"
#include "host/repo/metadata.h"
#include "host/repo/store.h"
#include "host/sign/duty.h"
#include "host/sign/p256.h"

#include <stdio.h>
#include <string.h>

/* Both keys sign for an hour around a change of slots. */
#define OVERLAP_S 3600

#define RECORD_MAX 65536

/* The published file of root or targets. */
static enum rota_err published(
	const struct rota_authdir *dir, const char *role, json_t **content, struct rota_fail *why)
{
	struct rota_bytes file = { 0 };
	uint64_t version;

	ROTA_TRY(rota_store_newest(dir, role, false, &version, why));
	ROTA_TRY(rota_store_verified(dir, role, version, &file, content, why));
	rota_bytes_free(&file);
	return ROTA_OK;
}

static void tell_ids(const struct rota_keys_named *sink, const json_t *entry, const char *use,
	uint64_t since, uint64_t end)
{
	const json_t *ids = json_object_get(entry, "keyids");

	for (size_t i = 0; i < json_array_size(ids); i++)
		sink->key(sink->ctx, json_string_value(json_array_get(ids, i)), use, since, end);
}

/* A time of SPEC 4.5; false when there is none. */
static bool time_of(const json_t *root, const char *name, uint64_t *at)
{
	const char *text = json_string_value(json_object_get(root, name));

	return text && rota_when_parse(text, at);
}

/* A pre-signed root's pair counts from its slot on, not from the ceremony. */
static void tell_root(const struct rota_keys_named *sink, const json_t *root, uint64_t issued)
{
	const json_t *roles = json_object_get(root, "roles");
	uint64_t end = 0, since = issued;

	if (time_of(root, "x-rota-slot-end", &end) && time_of(root, "x-rota-not-before", &since))
		end += OVERLAP_S;
	for (size_t i = 0; i < ROTA_DUTY_TOP_COUNT; i++) {
		const char *role = rota_duties[i].name;
		bool slot = strcmp(role, "snapshot") == 0 || strcmp(role, "timestamp") == 0;

		tell_ids(sink, json_object_get(roles, role), role, slot ? since : issued,
			slot ? end : 0);
	}
}

static void tell_targets(const struct rota_keys_named *sink, const json_t *targets, uint64_t since)
{
	const json_t *roles = json_object_get(json_object_get(targets, "delegations"), "roles");

	for (size_t i = 0; i < json_array_size(roles); i++) {
		const json_t *entry = json_array_get(roles, i);
		const char *name = json_string_value(json_object_get(entry, "name"));

		if (name && rota_duty_find(name))
			tell_ids(sink, entry, name, since, 0);
	}
}

static void tell_point(const struct rota_keys_named *sink,
	const uint8_t point[static ROTA_P256_KEY_LEN], const char *use, uint64_t since)
{
	char id[ROTA_DIGEST_HEX];

	rota_p256_key_id(point, id);
	sink->key(sink->ctx, id, use, since, 0);
}

/* The rows of a record that devices get in their ROM (SPEC 12). */
static enum rota_err tell_record(const struct rota_authdir *dir, const char *name, const char *set,
	const struct rota_keys_named *sink, uint64_t since, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	const json_t *rows;
	json_t *record;

	rota_authdir_path(dir, name, path);
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(rota_json_load(path, RECORD_MAX, &record, why));
	rows = json_object_get(record, "keys");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *hex = json_string_value(json_object_get(row, "public"));
		const char *channel = json_string_value(json_object_get(row, "channel"));
		uint8_t point[ROTA_P256_KEY_LEN];

		if (hex && rota_unhex(hex, ROTA_BUF(point)))
			tell_point(sink, point,
				channel && strcmp(channel, "ci") == 0 ? "ci-image" : set, since);
	}
	json_decref(record);
	return ROTA_OK;
}

static enum rota_err tell_cert(const struct rota_authdir *dir, const char *set,
	const struct rota_keys_named *sink, uint64_t since, struct rota_fail *why)
{
	char name[64], path[ROTA_FILE_PATH_MAX];
	uint8_t point[ROTA_P256_KEY_LEN];
	X509 *cert;

	snprintf(name, sizeof(name), "ca/%s.pem", set);
	rota_authdir_path(dir, name, path);
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(rota_cert_load(path, &cert, why));
	if (rota_p256_of_pkey(X509_get0_pubkey(cert), point))
		tell_point(sink, point, set, since);
	X509_free(cert);
	return ROTA_OK;
}

static enum rota_err tell_sets(const struct rota_authdir *dir, const struct rota_keys_named *sink,
	uint64_t since, struct rota_fail *why)
{
	static const char *const authorities[] = { "device-ca", "operational-ca", "server-ca" };

	ROTA_TRY(tell_record(dir, "trust/image-keys.json", "image", sink, since, why));
	ROTA_TRY(tell_record(dir, "trust/recovery-keys.json", "recovery", sink, since, why));
	for (size_t i = 0; i < sizeof(authorities) / sizeof(authorities[0]); i++)
		ROTA_TRY(tell_cert(dir, authorities[i], sink, since, why));
	return ROTA_OK;
}

/* When the authority began. */
static uint64_t first_issued(const struct rota_authdir *dir, uint64_t otherwise)
{
	char path[ROTA_FILE_PATH_MAX];
	uint64_t issued = otherwise, expires;
	struct rota_fail ignored;
	json_t *file;

	rota_authdir_path(dir, "trust/root.json", path);
	if (rota_json_load(path, RECORD_MAX, &file, &ignored) != ROTA_OK)
		return otherwise;
	if (!rota_metadata_times(json_object_get(file, "signed"), &issued, &expires))
		issued = otherwise;
	json_decref(file);
	return issued;
}

enum rota_err rota_keys_named(const struct rota_authdir *dir, const struct rota_keys_named *sink,
	bool *there, uint64_t *newest_s, struct rota_fail *why)
{
	uint64_t of_root = 0, of_targets = 0, ignored;
	json_t *root = NULL, *targets = NULL;
	enum rota_err err;

	*there = rota_file_exists(dir->repo);
	*newest_s = 0;
	if (!*there)
		return ROTA_OK;
	err = published(dir, "root", &root, why);
	if (err == ROTA_OK)
		err = published(dir, "targets", &targets, why);
	if (err == ROTA_OK && rota_metadata_times(root, &of_root, &ignored) &&
		rota_metadata_times(targets, &of_targets, &ignored)) {
		tell_root(sink, root, of_root);
		tell_targets(sink, targets, of_targets);
		*newest_s = of_root > of_targets ? of_root : of_targets;
		err = tell_sets(dir, sink, first_issued(dir, of_root), why);
	}
	json_decref(root);
	json_decref(targets);
	return err;
}
