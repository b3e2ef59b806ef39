/* SPDX-License-Identifier: Apache-2.0 */
/* The half of store.h that places target files: named by digest, streamed. */
#include "host/repo/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rota_store_target_path(const struct rota_authdir *dir, const char *target,
	const uint8_t sha256[static ROTA_DIGEST_LEN], char out[static ROTA_FILE_PATH_MAX])
{
	const char *slash = strrchr(target, '/');
	int dir_len = slash ? (int)(slash - target + 1) : 0;
	char hex[ROTA_DIGEST_HEX];

	rota_hex(rota_span(sha256, ROTA_DIGEST_LEN), hex);
	if (snprintf(out, ROTA_FILE_PATH_MAX, "%s/targets/%.*s%s.%s",
		    rota_authdir_targets(dir, target), dir_len, target, hex,
		    target + dir_len) >= ROTA_FILE_PATH_MAX)
		out[0] = 0; /* opens nowhere */
}

json_t *rota_store_target_object(const struct rota_store_target *target)
{
	char hex[ROTA_DIGEST_HEX];

	rota_hex(ROTA_SPAN(target->sha256), hex);
	return json_pack(
		"{s:{s:s},s:I}", "hashes", "sha256", hex, "length", (json_int_t)target->len);
}

bool rota_store_target_read(const json_t *entry, struct rota_store_target *out)
{
	const char *hex =
		json_string_value(json_object_get(json_object_get(entry, "hashes"), "sha256"));
	const json_t *len = json_object_get(entry, "length");

	out->len = (uint64_t)json_integer_value(len);
	return hex && json_is_integer(len) && json_integer_value(len) >= 0 &&
		rota_unhex(hex, ROTA_BUF(out->sha256));
}

/* The directory that will hold the target, made when absent. */
static enum rota_err target_dir(const struct rota_authdir *dir, const char *target,
	char out[static ROTA_FILE_PATH_MAX], struct rota_fail *why)
{
	const char *slash = strrchr(target, '/');
	int len = slash ? (int)(slash - target) : 0;

	if (snprintf(out, ROTA_FILE_PATH_MAX, "%s/targets/%.*s", rota_authdir_targets(dir, target),
		    len, target) >= ROTA_FILE_PATH_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", target);
	return rota_file_mkdirs(out, 0755, why);
}

enum rota_err rota_store_put_target(const struct rota_authdir *dir, const char *target,
	struct rota_span data, struct rota_store_target *out, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	ROTA_TRY(target_dir(dir, target, path, why));
	out->len = data.len;
	rota_digest_of(data, out->sha256);
	rota_store_target_path(dir, target, out->sha256, path);
	return rota_file_write(path, data, 0644, why);
}

struct copying {
	struct rota_draft *draft;
	struct rota_digest *digest;
	uint64_t len;
	struct rota_fail *why;
};

static enum rota_err copy(void *ctx, struct rota_span piece)
{
	struct copying *c = ctx;

	rota_digest_add(c->digest, piece);
	c->len += piece.len;
	return rota_draft_write(c->draft, piece, c->why);
}

enum rota_err rota_store_draft_target(const struct rota_authdir *dir, const char *target,
	const char *from, const struct rota_progress *progress, struct rota_draft *draft,
	struct rota_store_target *out, struct rota_fail *why)
{
	struct copying c = { draft, NULL, 0, why };
	char path[ROTA_FILE_PATH_MAX];
	enum rota_err err;

	draft->fd = -1;
	ROTA_TRY(target_dir(dir, target, path, why));
	ROTA_TRY(rota_draft_open(draft, path, 0644, why));
	c.digest = rota_digest_new();
	err = rota_feed_file(from, progress, &c, copy, why);
	rota_digest_get(c.digest, out->sha256);
	rota_digest_free(c.digest);
	out->len = c.len;
	if (err != ROTA_OK)
		rota_draft_drop(draft);
	return err;
}

enum rota_err rota_store_copy_target(const struct rota_authdir *dir, const char *target,
	const char *from, const struct rota_progress *progress, struct rota_store_target *out,
	struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_draft draft;

	ROTA_TRY(rota_store_draft_target(dir, target, from, progress, &draft, out, why));
	rota_store_target_path(dir, target, out->sha256, path);
	return rota_draft_commit(&draft, path, why);
}
