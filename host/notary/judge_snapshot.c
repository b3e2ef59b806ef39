/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshot and timestamp: versions of files that verified here, and none that vanished or fell. */
#include "host/notary/judge_parts.h"
#include "host/notary/refusal.h"
#include "host/repo/bins.h"
#include "host/repo/bundle_view.h"
#include "host/repo/judge.h"
#include "host/repo/store.h"
#include "host/sign/envelope.h"

#include <stdio.h>
#include <string.h>

/* What a snapshot says of one file. */
struct listed {
	char role[ROTA_BIN_NAME_MAX];
	uint64_t version, len;
	uint8_t sha256[ROTA_DIGEST_LEN];
};

static enum rota_err read_entry(
	const char *name, const json_t *entry, struct listed *out, struct rota_fail *why)
{
	const json_t *length = json_object_get(entry, "length");
	const json_t *version = json_object_get(entry, "version");
	size_t len = strlen(name);

	if (len <= 5 || len - 5 >= sizeof(out->role) || strcmp(name + len - 5, ".json") != 0 ||
		!rota_json_members(entry, "hashes length version") ||
		!rota_json_members(json_object_get(entry, "hashes"), "sha256") ||
		!judge_digest_of(entry, out->sha256) || !json_is_integer(length) ||
		!json_is_integer(version) || json_integer_value(length) < 1 ||
		json_integer_value(version) < 1)
		return rota_refuse(why, ROTA_REFUSED_MEMBER, "the entry of a file is malformed");
	snprintf(out->role, sizeof(out->role), "%.*s", (int)(len - 5), name);
	out->len = (uint64_t)json_integer_value(length);
	out->version = (uint64_t)json_integer_value(version);
	return ROTA_OK;
}

static bool is_file(const struct listed *l, const struct rota_bytes *file)
{
	uint8_t digest[ROTA_DIGEST_LEN];

	rota_digest_of(rota_bytes_span(file), digest);
	return file->len == l->len && memcmp(digest, l->sha256, sizeof(digest)) == 0;
}

/* Every release.json that `releases` lists stands in the log. */
static enum rota_err judge_releases(
	const struct trial *t, const json_t *content, struct rota_fail *why)
{
	const struct rota_duty *duty = rota_duty_find("releases");
	const char *path;
	json_t *entry;

	json_object_foreach(json_object_get(content, "targets"), path, entry)
	{
		uint8_t sha256[ROTA_DIGEST_LEN];

		if (!rota_judge_is_read(duty, path))
			continue;
		if (!judge_digest_of(entry, sha256) ||
			!rota_records_release(t->j->records, t->ask->scope, sha256))
			return rota_refuse(why, ROTA_REFUSED_LOG,
				"%s has no entry RELEASE in the log; record it first", path);
	}
	return ROTA_OK;
}

/* A role that is signed here: by this daemon, or it was stolen from its token. */
static enum rota_err judge_own(
	const struct trial *t, const struct listed *l, const json_t *content, struct rota_fail *why)
{
	const struct rota_record_role *own =
		rota_records_role(t->j->records, t->ask->scope, l->role);
	const struct rota_party *party = rota_authdir_party(t->dir, l->role);
	uint8_t message[ROTA_DIGEST_LEN];

	if (!own || !party || !rota_party_online(party) || l->version < own->version)
		return ROTA_OK;
	ROTA_TRY(rota_envelope_digest(content, message, why));
	if (l->version == own->version && memcmp(message, own->message, sizeof(message)) == 0)
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_BYTES,
		"version %llu of role %s has a signature that the log knows nothing of",
		(unsigned long long)l->version, l->role);
}

/* `signed` of a file that verifies from the anchor, and the file. */
static enum rota_err read_verified(const struct trial *t, const struct rota_duty *duty,
	const struct listed *l, struct rota_bytes *file, json_t **content, struct rota_fail *why)
{
	json_t *role;
	enum rota_err err;

	if (strcmp(duty->name, l->role) == 0)
		return rota_store_verified(t->dir, l->role, l->version, file, content, why);
	ROTA_TRY(rota_store_signed(t->dir, duty->name, &role, why));
	err = rota_store_read(t->dir, l->role, l->version, file, why);
	if (err == ROTA_OK) {
		err = rota_bins_verify(role, rota_bytes_span(file), content, why);
		if (err != ROTA_OK)
			rota_bytes_free(file);
	}
	json_decref(role);
	return err;
}

/* An entry that is new or other than before. */
static enum rota_err judge_changed(
	const struct trial *t, const struct listed *l, struct rota_fail *why)
{
	const struct rota_duty *duty = rota_bundle_duty(l->role);
	struct rota_bytes file;
	json_t *content;
	enum rota_err err;

	if (!duty || strcmp(duty->name, "root") == 0 || strcmp(duty->name, "snapshot") == 0 ||
		strcmp(duty->name, "timestamp") == 0)
		return rota_refuse(
			why, ROTA_REFUSED_MEMBER, "a snapshot lists no file of %s", l->role);
	if (read_verified(t, duty, l, &file, &content, why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_BYTES);
	err = is_file(l, &file)
		? judge_own(t, l, content, why)
		: rota_refuse(why, ROTA_REFUSED_BYTES,
			  "the file of version %llu of %s has another digest or length",
			  (unsigned long long)l->version, l->role);
	if (err == ROTA_OK && strcmp(duty->name, "releases") == 0)
		err = judge_releases(t, content, why);
	rota_bytes_free(&file);
	json_decref(content);
	return err;
}

static bool has_members(const struct trial *t)
{
	return rota_json_members(t->now, "_type expires meta spec_version version x-rota-issued") &&
		json_is_object(json_object_get(t->now, "meta"));
}

static enum rota_err judge_entry(const struct trial *t, const char *name, const json_t *old,
	const json_t *entry, struct rota_fail *why)
{
	struct listed l = { 0 };

	ROTA_TRY(read_entry(name, entry, &l, why));
	if (json_integer_value(json_object_get(old, "version")) > (json_int_t)l.version)
		return rota_refuse(why, ROTA_REFUSED_LOWER,
			"%s would fall from version %lld to %llu", l.role,
			(long long)json_integer_value(json_object_get(old, "version")),
			(unsigned long long)l.version);
	return judge_changed(t, &l, why);
}

enum rota_err judge_snapshot(struct trial *t, struct rota_fail *why)
{
	const json_t *before = t->was ? json_object_get(t->was->content, "meta") : NULL;
	json_t *meta = json_object_get(t->now, "meta"), *entry;
	const char *name;

	if (!has_members(t) || json_object_size(t->ask->files) > 0)
		return rota_refuse(why, ROTA_REFUSED_MEMBER,
			"a snapshot has a member that is missing or unknown, or texts beside it");
	json_object_foreach((json_t *)(uintptr_t)before, name,
		entry) if (!json_object_get(meta, name)) return rota_refuse(why,
		ROTA_REFUSED_VANISHED, "%s was listed, and is no more (TUF 5.5.5)", name);
	json_object_foreach(meta, name, entry)
	{
		const json_t *old = json_object_get(before, name);

		if (!old || !json_equal(old, entry))
			ROTA_TRY(judge_entry(t, name, old, entry, why));
	}
	return ROTA_OK;
}

/* The file of the snapshot that was granted last, read once and remembered. */
static enum rota_err find_file(const struct trial *t, struct rota_record_role *snapshot,
	const struct listed *l, struct rota_fail *why)
{
	uint8_t message[ROTA_DIGEST_LEN];
	struct rota_bytes file;
	json_t *content;
	enum rota_err err;

	if (snapshot->file_len == l->len &&
		memcmp(snapshot->file_sha256, l->sha256, sizeof(l->sha256)) == 0)
		return ROTA_OK;
	if (rota_store_verified(t->dir, "snapshot", l->version, &file, &content, why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_BYTES);
	err = rota_envelope_digest(content, message, why);
	if (err == ROTA_OK &&
		(!is_file(l, &file) || memcmp(message, snapshot->message, sizeof(message)) != 0))
		err = rota_refuse(why, ROTA_REFUSED_BYTES,
			"version %llu of the snapshot is not the file that was granted last",
			(unsigned long long)l->version);
	rota_bytes_free(&file);
	json_decref(content);
	ROTA_TRY(err);
	snapshot->file_len = l->len;
	memcpy(snapshot->file_sha256, l->sha256, sizeof(l->sha256));
	return ROTA_OK;
}

enum rota_err judge_timestamp(struct trial *t, struct rota_fail *why)
{
	const json_t *meta = json_object_get(t->now, "meta");
	struct rota_record_role *snapshot =
		rota_records_role(t->j->records, t->ask->scope, "snapshot");
	struct listed l = { 0 };

	if (!has_members(t) || !rota_json_members(meta, "snapshot.json") ||
		json_object_size(t->ask->files) > 0)
		return rota_refuse(why, ROTA_REFUSED_MEMBER,
			"a timestamp has a member that is missing or unknown, or texts beside it");
	ROTA_TRY(read_entry("snapshot.json", json_object_get(meta, "snapshot.json"), &l, why));
	if (!snapshot || l.version != snapshot->version)
		return rota_refuse(why, ROTA_REFUSED_BYTES,
			"it lists version %llu of the snapshot, %llu was granted last",
			(unsigned long long)l.version,
			(unsigned long long)(snapshot ? snapshot->version : 0));
	return find_file(t, snapshot, &l, why);
}
