/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/store.h"
#include "host/repo/chain.h"
#include "host/repo/bins.h"
#include "host/repo/inventory.h"
#include "host/repo/listed.h"
#include "host/repo/trust.h"
#include "host/sign/envelope.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum rota_err rota_store_make(const struct rota_authdir *dir, struct rota_fail *why)
{
	static const char *const parts[] = { "metadata", "targets", "recovery" };
	char path[ROTA_FILE_PATH_MAX];

	ROTA_TRY(rota_file_mkdirs(dir->repo, 0755, why));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *part = rota_text("%s/%s", dir->repo, parts[i]);
		enum rota_err err = rota_file_mkdirs(part, 0755, why);

		free(part);
		ROTA_TRY(err);
	}
	rota_authdir_path(dir, "staging", path);
	return rota_file_mkdirs(path, 0700, why);
}

/* Where a role's files lie before they are published. */
static const char *staging_of(const char *role)
{
	return rota_store_remembers(role) ? "trust" : "staging";
}

bool rota_store_remembers(const char *role)
{
	return strcmp(role, "snapshot") == 0 || strcmp(role, "timestamp") == 0;
}

void rota_store_path(const struct rota_authdir *dir, const char *role, uint64_t version,
	bool staged, char out[static ROTA_FILE_PATH_MAX])
{
	const char *base = staged ? dir->dir : dir->repo;
	const char *part = staged ? staging_of(role) : "metadata";
	int len;

	if (strcmp(role, "timestamp") == 0 && !staged)
		len = snprintf(out, ROTA_FILE_PATH_MAX, "%s/%s/timestamp.json", base, part);
	else
		len = snprintf(out, ROTA_FILE_PATH_MAX, "%s/%s/%llu.%s.json", base, part,
			(unsigned long long)version, role);
	if (len >= ROTA_FILE_PATH_MAX)
		out[0] = 0; /* opens nowhere */
}

/* The version in "N.ROLE.json", 0 when the name is another. */
static uint64_t version_in(const char *name, const char *role)
{
	unsigned long long version;
	size_t len = strlen(role);
	char *end;

	if (*name < '1' || *name > '9')
		return 0;
	version = strtoull(name, &end, 10);
	if (*end != '.' || strncmp(end + 1, role, len) != 0 ||
		strcmp(end + 1 + len, ".json") != 0 || version > ROTA_STORE_VERSION_MAX)
		return 0;
	return version;
}

static enum rota_err newest_in(
	const char *path, const char *role, uint64_t *version, struct rota_fail *why)
{
	DIR *d = opendir(path);
	struct dirent *entry;

	if (!d && errno == ENOENT)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"%s is not there; the offline directory of rota authority split has no "
			"repository, and is for rota repo sign",
			path);
	if (!d)
		return rota_fail_errno(why, errno, "cannot list %s", path);
	while ((entry = readdir(d)) != NULL) {
		uint64_t found = version_in(entry->d_name, role);

		if (found > *version)
			*version = found;
	}
	closedir(d);
	return ROTA_OK;
}

/* Whether this is the very file of its version that was signed here, as DIR/trust has it; that version into *version. Not only the
 * newest: one that was signed behind it may never have been published. */
static bool is_remembered(
	const struct rota_authdir *dir, const char *role, struct rota_span file, uint64_t *version)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_fail none;
	struct rota_bytes kept;
	uint64_t claimed;
	json_t *whole;
	bool same;

	if (rota_json_parse_strict(file, &whole, &none) != ROTA_OK)
		return false;
	claimed = rota_chain_version(json_object_get(whole, "signed"));
	json_decref(whole);
	rota_store_path(dir, role, claimed, true, path);
	if (rota_file_read(path, ROTA_ENVELOPE_MAX, &kept, &none) != ROTA_OK)
		return false;
	same = rota_span_eq(rota_bytes_span(&kept), file);
	rota_bytes_free(&kept);
	if (same)
		*version = claimed;
	return same;
}

/* Under a new root with another key for timestamp, the last one does not verify any more; what this authority remembers
 * of it does for its version. */
static enum rota_err timestamp_version(
	const struct rota_authdir *dir, uint64_t *version, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes file;
	json_t *content;
	enum rota_err err;

	rota_store_path(dir, "timestamp", 0, false, path);
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(rota_file_read(path, ROTA_ENVELOPE_MAX, &file, why));
	err = rota_trust_check(dir, "timestamp", rota_bytes_span(&file), &content, why);
	if (err == ROTA_OK) {
		*version = rota_chain_version(content);
		json_decref(content);
	} else if (is_remembered(dir, "timestamp", rota_bytes_span(&file), version)) {
		err = ROTA_OK;
	}
	rota_bytes_free(&file);
	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail_in(why, "%s is not what its role signed; put the right file back", path);
}

enum rota_err rota_store_newest(const struct rota_authdir *dir, const char *role, bool staged_too,
	uint64_t *version, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	uint64_t staged = 0;

	*version = 0;
	if ((size_t)snprintf(path, sizeof(path), "%s/metadata", dir->repo) >= sizeof(path))
		return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", dir->repo);
	if (strcmp(role, "timestamp") == 0)
		ROTA_TRY(timestamp_version(dir, version, why));
	else
		ROTA_TRY(newest_in(path, role, version, why));
	if (strcmp(role, "root") == 0) /* each is verified under the one before */
		return ROTA_OK;
	rota_authdir_path(dir, staging_of(role), path);
	ROTA_TRY(newest_in(path, role, &staged, why));
	if (strcmp(role, "timestamp") != 0)
		ROTA_TRY(rota_listed_judge(dir, role, *version, staged, why));
	if (staged_too && staged > *version)
		*version = staged;
	return ROTA_OK;
}

enum rota_err rota_store_read(const struct rota_authdir *dir, const char *role, uint64_t version,
	struct rota_bytes *file, struct rota_fail *why)
{
	bool staged = !rota_store_remembers(role);
	char path[ROTA_FILE_PATH_MAX];

	rota_store_path(dir, role, version, staged, path);
	if (!rota_file_exists(path))
		rota_store_path(dir, role, version, !staged, path);
	return rota_file_read(path, ROTA_ENVELOPE_MAX, file, why);
}

enum rota_err rota_store_read_staged(const struct rota_authdir *dir, const char *role,
	uint64_t version, struct rota_bytes *file, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	rota_store_path(dir, role, version, true, path);
	return rota_file_read(path, ROTA_ENVELOPE_MAX, file, why);
}

enum rota_err rota_store_envelope(const struct rota_authdir *dir, const char *role,
	uint64_t version, json_t **envelope, struct rota_fail *why)
{
	struct rota_bytes file;
	enum rota_err err;

	*envelope = NULL;
	ROTA_TRY(rota_store_read(dir, role, version, &file, why));
	err = rota_json_parse_strict(rota_bytes_span(&file), envelope, why);
	rota_bytes_free(&file);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "role %s", role);
}

/* The version that is asked for, in what was signed too, and the file that was listed so. */
static enum rota_err check_version(const struct rota_authdir *dir, const char *role,
	uint64_t version, struct rota_span file, const json_t *content, struct rota_fail *why)
{
	json_t *meta;
	enum rota_err err;

	if (strcmp(role, "timestamp") == 0) /* its name does not say */
		return ROTA_OK;
	if (rota_chain_version(content) != version)
		return rota_fail(why, ROTA_ERR_VERSION, "holds version %llu",
			(unsigned long long)rota_chain_version(content));
	ROTA_TRY(rota_listed_load(dir, &meta, why));
	err = rota_listed_check(meta, role, version, file, why);
	json_decref(meta);
	return err;
}

enum rota_err rota_store_verified(const struct rota_authdir *dir, const char *role,
	uint64_t version, struct rota_bytes *file, json_t **content, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	enum rota_err err;

	*content = NULL;
	ROTA_TRY(rota_store_read(dir, role, version, file, why));
	err = rota_trust_check(dir, role, rota_bytes_span(file), content, why);
	if (err == ROTA_OK)
		err = check_version(dir, role, version, rota_bytes_span(file), *content, why);
	if (err == ROTA_OK)
		return ROTA_OK;
	json_decref(*content);
	*content = NULL;
	rota_bytes_free(file);
	rota_store_path(dir, role, version, false, path);
	if (!rota_file_exists(path))
		rota_store_path(dir, role, version, true, path);
	if (err == ROTA_ERR_IO) /* of what it is judged by; the file may well be right */
		return rota_fail_in(why, "%s", path);
	return rota_fail_in(why, "%s is not what its role signed; put the right file back", path);
}

enum rota_err rota_store_signed(
	const struct rota_authdir *dir, const char *role, json_t **content, struct rota_fail *why)
{
	struct rota_bytes file;
	uint64_t version;

	*content = NULL;
	ROTA_TRY(rota_store_newest(dir, role, true, &version, why));
	if (version == 0)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"%s: no metadata of role %s; run rota init", dir->repo, role);
	ROTA_TRY(rota_store_verified(dir, role, version, &file, content, why));
	rota_bytes_free(&file);
	return ROTA_OK;
}

enum rota_err rota_store_remembered(
	const struct rota_authdir *dir, const char *role, json_t **content, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	uint64_t version = 0;
	json_t *whole;

	*content = NULL;
	rota_authdir_path(dir, staging_of(role), path);
	ROTA_TRY(newest_in(path, role, &version, why));
	if (version == 0)
		return ROTA_OK;
	rota_store_path(dir, role, version, true, path);
	ROTA_TRY(rota_json_load(path, ROTA_ENVELOPE_MAX, &whole, why));
	*content = json_incref(json_object_get(whole, "signed"));
	json_decref(whole);
	return ROTA_OK;
}

enum rota_err rota_store_stage(const struct rota_authdir *dir, const char *role, uint64_t version,
	struct rota_span file, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	rota_store_path(dir, role, version, true, path);
	return rota_file_write(path, file, 0640, why); /* a daemon of other users judges by it */
}

enum rota_err rota_store_put(const struct rota_authdir *dir, const char *role, uint64_t version,
	struct rota_span file, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	rota_store_path(dir, role, version, false, path);
	return rota_file_write(path, file, 0644, why);
}

/* Whether the repository has these bytes as that version. */
static bool is_published(
	const struct rota_authdir *dir, const char *role, uint64_t version, struct rota_span file)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes there;
	struct rota_fail none;
	bool same;

	rota_store_path(dir, role, version, false, path);
	if (rota_file_read(path, ROTA_ENVELOPE_MAX, &there, &none) != ROTA_OK)
		return false;
	same = rota_span_eq(rota_bytes_span(&there), file);
	rota_bytes_free(&there);
	return same;
}

enum rota_err rota_store_release(
	const struct rota_authdir *dir, const char *role, bool *moved, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes file;
	enum rota_err err = ROTA_OK;
	uint64_t newest;

	*moved = false;
	ROTA_TRY(rota_store_newest(dir, role, true, &newest, why));
	rota_store_path(dir, role, newest, true, path);
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(rota_file_read(path, ROTA_ENVELOPE_MAX, &file, why));
	if (!is_published(dir, role, newest, rota_bytes_span(&file))) {
		err = rota_store_put(dir, role, newest, rota_bytes_span(&file), why);
		*moved = err == ROTA_OK;
	}
	rota_bytes_free(&file);
	return err;
}

/* Unlink what `goes` says yes to. */
static enum rota_err sweep(const char *path, bool (*goes)(const void *ctx, const char *name),
	const void *ctx, struct rota_fail *why)
{
	DIR *d = opendir(path);
	struct dirent *entry;

	if (!d)
		return rota_fail_errno(why, errno, "cannot list %s", path);
	while ((entry = readdir(d)) != NULL)
		if (goes(ctx, entry->d_name) && unlinkat(dirfd(d), entry->d_name, 0) != 0)
			rota_fail_errno(why, errno, "cannot remove %s/%s", path, entry->d_name);
	closedir(d);
	return ROTA_OK;
}

struct superseded {
	const char *role;
	uint64_t published;
};

static bool is_superseded(const void *ctx, const char *name)
{
	const struct superseded *s = ctx;
	uint64_t version = version_in(name, s->role);

	/* what is remembered stays until there is a newer one */
	return version && version + rota_store_remembers(s->role) <= s->published;
}

enum rota_err rota_store_clean(
	const struct rota_authdir *dir, const char *role, struct rota_fail *why)
{
	struct superseded s = { .role = role };
	char path[ROTA_FILE_PATH_MAX];

	ROTA_TRY(rota_store_newest(dir, role, false, &s.published, why));
	rota_authdir_path(dir, staging_of(role), path);
	return sweep(path, is_superseded, &s, why);
}

static bool is_bin(const void *ctx, const char *name)
{
	struct rota_inventory_file file;

	return rota_inventory_parse(name, &file) && rota_bins_named(ctx, file.role);
}

enum rota_err rota_store_clean_bins(
	const struct rota_authdir *dir, const char *role, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	rota_authdir_path(dir, staging_of(role), path);
	return sweep(path, is_bin, role, why);
}

void rota_store_sweep(const struct rota_authdir *dir)
{
	static const char *const parts[] = { "staging", "trust" };
	char path[ROTA_FILE_PATH_MAX];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		rota_authdir_path(dir, parts[i], path);
		rota_draft_sweep(path);
	}
	if ((size_t)snprintf(path, sizeof(path), "%s/metadata", dir->repo) < sizeof(path))
		rota_draft_sweep(path);
}
