/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tuf/artifact.h"
#include "host/base/digest.h"
#include "host/base/file.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define NAME_LEN_MAX 255 /* of every file system in use */

struct download {
	const struct rota_tuf_artifact *a;
	struct rota_draft draft;
	struct rota_digest *digest;
	uint64_t len;
	struct rota_fail fail; /* what the disk said */
};

/* Points at the beginning of a path that are encoded, which those of no other path are: "." and ".." are all unreserved
 * letters, and yet no names; and what is named like a draft would be swept away as one. */
static size_t points(const char *path)
{
	if (strcmp(path, ".") == 0 || strcmp(path, "..") == 0)
		return strlen(path);
	return strncmp(path, ROTA_DRAFT_PREFIX, strlen(ROTA_DRAFT_PREFIX)) == 0;
}

static enum rota_err local_name(const char *path, char name[static ROTA_URL_MAX])
{
	size_t encoded = points(path);

	name[0] = 0;
	for (size_t i = 0; i < encoded; i++)
		memcpy(name + 3 * i, "%2E", sizeof("%2E"));
	ROTA_TRY(rota_url_add(name, rota_span_cstr(path + encoded), false));
	return strlen(name) > NAME_LEN_MAX ? ROTA_ERR_LIMIT : ROTA_OK;
}

/* DIR/HASH.NAME, or the path as it is. */
static enum rota_err remote_path(const struct rota_tuf_artifact *a, char url[static ROTA_URL_MAX])
{
	struct rota_span path = rota_span_cstr(a->path);
	char hash[ROTA_DIGEST_HEX];
	size_t dir = path.len;

	url[0] = 0;
	if (!a->consistent)
		return rota_url_add(url, path, true);
	while (dir && path.p[dir - 1] != '/')
		dir--;
	rota_hex(ROTA_SPAN(a->target->sha256), hash);
	ROTA_TRY(rota_url_add(url, rota_span_slice(path, 0, dir), true));
	ROTA_TRY(rota_url_add(url, rota_span_cstr(hash), false));
	ROTA_TRY(rota_url_add(url, ROTA_STR("."), false));
	return rota_url_add(url, rota_span_skip(path, dir), false);
}

static bool is_there(const char *path, const struct rota_target *target)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_fail ignored;
	uint64_t len;

	return rota_digest_file(path, NULL, &len, digest, &ignored) == ROTA_OK &&
		len == target->length && memcmp(digest, target->sha256, sizeof(digest)) == 0;
}

static enum rota_err local_path(
	const char *dir, const char *target, char path[static ROTA_FILE_PATH_MAX])
{
	char name[ROTA_URL_MAX];
	int len;

	ROTA_TRY(local_name(target, name));
	len = snprintf(path, ROTA_FILE_PATH_MAX, "%s/%s", dir, name);
	return len < 0 || len >= ROTA_FILE_PATH_MAX ? ROTA_ERR_LIMIT : ROTA_OK;
}

/* Names here are ASCII, encoding sees to it: so these are all the pairs that a file system can hold for one. */
static bool differ_in_case_only(const char *a, const char *b)
{
	return strcmp(a, b) != 0 && strcasecmp(a, b) == 0;
}

/* Whether what stands at `path` is the file of `other`. */
static bool is_file_of(const char *path, const char *dir, const char *other)
{
	char there[ROTA_FILE_PATH_MAX];
	struct stat a, b;

	return local_path(dir, other, there) == ROTA_OK && stat(path, &a) == 0 &&
		stat(there, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static enum rota_err check_before(
	const struct rota_tuf_artifact *a, const char *dir, const char *path, struct rota_fail *why)
{
	for (size_t i = 0; i < a->before_count; i++) {
		const char *other = a->before[i];

		if (differ_in_case_only(other, a->path) && is_file_of(path, dir, other))
			return rota_fail(why, ROTA_ERR_IO,
				"%s: %s holds it for the same file as %s, which is there already; "
				"fetch it into another directory",
				a->path, dir, other);
	}
	return ROTA_OK;
}

static enum rota_err take(void *ctx, struct rota_span piece)
{
	struct download *d = ctx;

	d->len += piece.len;
	rota_digest_add(d->digest, piece);
	ROTA_TRY(rota_draft_write(&d->draft, piece, &d->fail));
	if (d->a->progress)
		d->a->progress->step(d->a->progress->ctx, d->len, d->a->target->length);
	return ROTA_OK;
}

static enum rota_err check(const struct download *d, struct rota_fail *why)
{
	const struct rota_target *target = d->a->target;
	uint8_t digest[ROTA_DIGEST_LEN];

	rota_digest_get(d->digest, digest);
	if (d->len != target->length)
		return rota_fail(why, ROTA_ERR_LENGTH, "%s: %llu bytes, not %llu",
			rota_err_str(ROTA_ERR_LENGTH), (unsigned long long)d->len,
			(unsigned long long)target->length);
	if (memcmp(digest, target->sha256, sizeof(digest)) != 0)
		return rota_fail(why, ROTA_ERR_HASH, "%s", rota_err_str(ROTA_ERR_HASH));
	return ROTA_OK;
}

static enum rota_err transfer(struct download *d, struct rota_fetch *fetch,
	const struct rota_fetch_server *server, uint32_t total_s, struct rota_fail *why)
{
	char url[ROTA_URL_MAX];
	const struct rota_fetch_get get = {
		.server = server,
		.path = url,
		.max_len = d->a->target->length,
		.total_s = total_s,
		.ctx = d,
		.take = take,
	};
	enum rota_err err;

	if (remote_path(d->a, url) != ROTA_OK)
		return rota_fail(
			why, ROTA_ERR_LIMIT, "its URL is longer than %d bytes", ROTA_URL_MAX - 1);
	err = rota_fetch_get(fetch, &get, why);
	if (d->fail.err != ROTA_OK) {
		*why = d->fail;
		return d->fail.err;
	}
	ROTA_TRY(err);
	return check(d, why);
}

enum rota_err rota_tuf_artifact_get(const struct rota_tuf_artifact *a, struct rota_fetch *fetch,
	const struct rota_fetch_server *server, const char *dir, uint32_t total_s,
	struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct download d = { .a = a, .draft = { .fd = -1 } };
	enum rota_err err;

	ROTA_TRY(rota_file_mkdirs(dir, 0755, why));
	if (local_path(dir, a->path, path) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_LIMIT, "%s: too long for a file name", a->path);
	rota_draft_sweep(dir);
	if (is_there(path, a->target))
		return ROTA_OK;
	ROTA_TRY(check_before(a, dir, path, why));
	ROTA_TRY(rota_draft_open(&d.draft, dir, 0644, why));
	d.digest = rota_digest_new();
	err = transfer(&d, fetch, server, total_s, why);
	rota_digest_free(d.digest);
	if (err == ROTA_OK)
		return rota_draft_commit(&d.draft, path, why);
	rota_draft_drop(&d.draft);
	return rota_fail_in(why, "%s (%s: %s)", a->path, rota_clause_section(ROTA_CLAUSE_TUF_5_7_3),
		rota_clause_demand(ROTA_CLAUSE_TUF_5_7_3));
}
