/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/asks.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void path_of(
	const struct rota_authdir *dir, const char *digest, char out[static ROTA_FILE_PATH_MAX])
{
	char name[sizeof("asks/") + ROTA_DIGEST_HEX];

	snprintf(name, sizeof(name), "asks/%.*s", ROTA_DIGEST_HEX - 1, digest);
	rota_authdir_path(dir, name, out);
}

enum rota_err rota_asks_put(const struct rota_authdir *dir, const char *digest,
	struct rota_span text, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	rota_authdir_path(dir, "asks", path);
	ROTA_TRY(rota_file_mkdirs(path, 0755, why));
	path_of(dir, digest, path);
	return rota_file_write(path, text, 0644, why);
}

void rota_asks_remove(const struct rota_authdir *dir, const char *digest)
{
	char path[ROTA_FILE_PATH_MAX];

	path_of(dir, digest, path);
	(void)unlink(path);
}

static enum rota_err load(const struct rota_authdir *dir, const char *name, struct rota_ask *ask,
	struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX], hex[ROTA_DIGEST_HEX];
	struct rota_bytes text;

	path_of(dir, name, path);
	ROTA_TRY(rota_file_read(path, ROTA_ASK_MAX, &text, why));
	rota_digest_hex(rota_bytes_span(&text), hex);
	if (strcmp(hex, name) != 0) {
		rota_bytes_free(&text);
		return rota_fail(
			why, ROTA_ERR_HASH, "%s is not the request that it is named after", path);
	}
	if (rota_ask_parse(text, ask, why) != ROTA_OK)
		return rota_fail_in(why, "%s", path);
	return ROTA_OK;
}

static bool is_digest(const char *name)
{
	uint8_t digest[ROTA_DIGEST_LEN];

	return rota_unhex(name, ROTA_BUF(digest));
}

enum rota_err rota_asks_each(const struct rota_authdir *dir,
	enum rota_err (*each)(void *ctx, const struct rota_ask *ask, struct rota_fail *why),
	void *ctx, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	enum rota_err err = ROTA_OK;
	struct dirent *entry;
	DIR *d;

	rota_authdir_path(dir, "asks", path);
	rota_draft_sweep(path);
	d = opendir(path);
	if (!d && errno == ENOENT)
		return ROTA_OK;
	if (!d)
		return rota_fail_errno(why, errno, "cannot list %s", path);
	while (err == ROTA_OK && (entry = readdir(d)) != NULL) {
		struct rota_ask ask;

		if (!is_digest(entry->d_name))
			continue;
		err = load(dir, entry->d_name, &ask, why);
		if (err != ROTA_OK)
			break;
		err = each(ctx, &ask, why);
		rota_ask_free(&ask);
	}
	closedir(d);
	return err;
}

enum rota_err rota_asks_text(const struct rota_authdir *dir, const char *path,
	const struct rota_store_target *target, json_t *files, struct rota_fail *why)
{
	char from[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;

	rota_store_target_path(dir, path, target->sha256, from);
	ROTA_TRY(rota_file_read(from, ROTA_ASK_TEXT_MAX, &text, why));
	json_object_set_new(files, path, json_stringn((const char *)text.p, text.len));
	rota_bytes_free(&text);
	if (json_object_get(files, path))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT, "%s is no text", from);
}
