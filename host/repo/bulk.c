/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/bulk.h"
#include "host/repo/listing.h"
#include "rota/codec/name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum rota_err rota_bulk_file(const struct rota_authdir *dir, const char *path, const char *file,
	struct rota_shelf *shelf, struct rota_fail *why)
{
	struct rota_store_target target;

	if (!rota_path_valid(rota_span_cstr(path)))
		return rota_fail(why, ROTA_ERR_FORMAT,
			"'%s' is no target path of at most %d [A-Za-z0-9._+~=,@-] and /", path,
			ROTA_PATH_MAX);
	ROTA_TRY(rota_store_copy_target(dir, path, file, NULL, &target, why));
	rota_shelf_add(shelf, path, &target);
	return ROTA_OK;
}

/* "LENGTH<tab>SHA256" */
static bool parse_described(const char *text, struct rota_store_target *target)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	target->len = strtoull(text, &end, 10);
	return !errno && *end == '\t' && target->len <= ROTA_STORE_VERSION_MAX &&
		rota_unhex(end + 1, ROTA_BUF(target->sha256));
}

static enum rota_err add_line(
	const struct rota_authdir *dir, char *line, struct rota_shelf *shelf, struct rota_fail *why)
{
	struct rota_store_target target;
	char *rest = strchr(line, '\t');

	if (!rest)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"is neither PATH<tab>FILE nor PATH<tab>LENGTH<tab>SHA256");
	*rest++ = 0;
	if (!parse_described(rest, &target))
		return rota_bulk_file(dir, line, rest, shelf, why);
	if (!rota_path_valid(rota_span_cstr(line)))
		return rota_fail(why, ROTA_ERR_FORMAT, "'%s' is no target path", line);
	rota_shelf_add(shelf, line, &target);
	return ROTA_OK;
}

static enum rota_err read_lines(
	const struct rota_authdir *dir, FILE *in, struct rota_shelf *shelf, struct rota_fail *why)
{
	char line[ROTA_BULK_LINE_MAX];
	unsigned long number = 0;

	while (fgets(line, sizeof(line), in)) {
		size_t len = strlen(line);
		enum rota_err err;

		number++;
		if (len + 1 == sizeof(line))
			return rota_fail(why, ROTA_ERR_LIMIT, "line %lu is longer than %zu bytes",
				number, sizeof(line) - 2);
		if (len && line[len - 1] == '\n')
			line[--len] = 0;
		err = len ? add_line(dir, line, shelf, why) : ROTA_OK;
		if (err != ROTA_OK)
			return rota_fail_in(why, "line %lu", number);
	}
	return ferror(in) ? rota_fail_errno(why, errno, "cannot read") : ROTA_OK;
}

enum rota_err rota_bulk_list(const struct rota_authdir *dir, const char *list,
	struct rota_shelf *shelf, struct rota_fail *why)
{
	FILE *in = fopen(list, "re");
	enum rota_err err;

	if (!in)
		return rota_fail_errno(why, errno, "cannot open %s", list);
	err = read_lines(dir, in, shelf, why);
	fclose(in);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "%s", list);
}

static enum rota_err add_one(struct rota_listing *listing, const struct rota_shelf *shelf, size_t i,
	struct rota_bulk_done *out, struct rota_fail *why)
{
	const char *path = rota_shelf_path(shelf, i);
	const struct rota_store_target *want = &shelf->at[i].is;
	struct rota_store_target is;
	const json_t *entry;

	ROTA_TRY(rota_listing_get(listing, path, &entry, why));
	if (!entry) {
		out->added++;
		return rota_listing_set(listing, path, rota_store_target_object(want), why);
	}
	out->known++;
	if (rota_store_target_read(entry, &is) && is.len == want->len &&
		memcmp(is.sha256, want->sha256, sizeof(is.sha256)) == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_STATE,
		"role %s lists %s with other content; what is listed is never changed, name it "
		"otherwise",
		listing->role, path);
}

/* Whether the next one on the shelf is in another file. */
static bool ends_file(const struct rota_shelf *shelf, size_t i)
{
	return i + 1 == shelf->count || shelf->at[i + 1].bin != shelf->at[i].bin;
}

static enum rota_err add_all(struct rota_listing *listing, struct rota_desk *desk,
	const struct rota_shelf *shelf, const struct rota_progress *progress,
	struct rota_bulk_done *out, struct rota_fail *why)
{
	for (size_t i = 0; i < shelf->count; i++) {
		uint64_t version;

		ROTA_TRY(add_one(listing, shelf, i, out, why));
		if (!ends_file(shelf, i))
			continue;
		ROTA_TRY(rota_listing_sign(listing, desk, &version, why));
		out->files += version != 0;
		if (version > out->version)
			out->version = version;
		if (progress)
			progress->step(progress->ctx, i + 1, shelf->count);
	}
	return ROTA_OK;
}

enum rota_err rota_bulk_add(struct rota_desk *desk, const char *role, struct rota_shelf *shelf,
	const struct rota_progress *progress, struct rota_bulk_done *out, struct rota_fail *why)
{
	struct rota_listing listing;
	enum rota_err err;

	*out = (struct rota_bulk_done){ 0 };
	ROTA_TRY(rota_listing_open(desk->dir, role, &listing, why));
	rota_shelf_sort(shelf, listing.bits);
	err = add_all(&listing, desk, shelf, progress, out, why);
	rota_listing_close(&listing);
	return err;
}
