/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/pending.h"
#include "host/base/file.h"
#include "host/sign/envelope.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static void path_of(
	const struct rota_authdir *dir, const char *role, char out[static ROTA_FILE_PATH_MAX])
{
	char name[64];

	snprintf(name, sizeof(name), "staging/%s.pending", role);
	rota_authdir_path(dir, name, out);
}

enum rota_err rota_pending_load(
	const struct rota_authdir *dir, const char *role, json_t **targets, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	json_t *whole;

	*targets = NULL;
	path_of(dir, role, path);
	if (!rota_file_exists(path)) {
		*targets = json_object();
		return ROTA_OK;
	}
	ROTA_TRY(rota_json_load(path, ROTA_ENVELOPE_MAX, &whole, why));
	if (rota_json_members(whole, "targets"))
		*targets = json_incref(json_object_get(whole, "targets"));
	json_decref(whole);
	if (json_is_object(*targets))
		return ROTA_OK;
	json_decref(*targets);
	*targets = NULL;
	return rota_fail(why, ROTA_ERR_CORRUPT,
		"%s is damaged; forget it with rota repo export --drop, and add its releases again",
		path);
}

static enum rota_err save(
	const struct rota_authdir *dir, const char *role, json_t *targets, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;
	json_t *whole;
	enum rota_err err;

	path_of(dir, role, path);
	if (json_object_size(targets) == 0) {
		if (unlink(path) != 0 && errno != ENOENT)
			return rota_fail_errno(why, errno, "cannot remove %s", path);
		return ROTA_OK;
	}
	whole = json_pack("{s:O}", "targets", targets);
	err = rota_json_encode(whole, ROTA_JSON_FILE, &text, why);
	json_decref(whole);
	ROTA_TRY(err);
	err = rota_file_write(path, rota_bytes_span(&text), 0600, why);
	rota_bytes_free(&text);
	return err;
}

enum rota_err rota_pending_add(const struct rota_authdir *dir, const char *role,
	const json_t *targets, struct rota_fail *why)
{
	json_t *waiting, *entry;
	const char *path;
	enum rota_err err = ROTA_OK;

	ROTA_TRY(rota_pending_load(dir, role, &waiting, why));
	json_object_foreach((json_t *)(uintptr_t)targets, path, entry)
	{
		if (json_object_get(waiting, path))
			err = rota_fail(why, ROTA_ERR_STATE,
				"%s waits for its signers already; sign it (rota repo export), or "
				"forget it (rota repo export --drop --role %s)",
				path, role);
		json_object_set(waiting, path, entry);
	}
	if (err == ROTA_OK)
		err = save(dir, role, waiting, why);
	json_decref(waiting);
	return err;
}

enum rota_err rota_pending_settle(const struct rota_authdir *dir, const char *role,
	const json_t *listed, struct rota_fail *why)
{
	json_t *waiting, *left = json_object(), *entry;
	const char *path;
	enum rota_err err = ROTA_OK;

	if (listed) {
		err = rota_pending_load(dir, role, &waiting, why);
		if (err == ROTA_OK) {
			json_object_foreach(
				waiting, path, entry) if (!json_object_get(listed, path))
				json_object_set(left, path, entry);
			json_decref(waiting);
		}
	}
	if (err == ROTA_OK)
		err = save(dir, role, left, why);
	json_decref(left);
	return err;
}
