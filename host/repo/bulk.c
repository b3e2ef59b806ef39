/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/bulk.h"
#include "host/repo/listing.h"
#include "rota/codec/name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Files that are made durable together: one by one each waits for the disk twice. Each is an open file. */
#define BATCH 128

struct waiting {
	struct rota_draft draft;
	char path[ROTA_FILE_PATH_MAX];
};

/* A list being read. */
struct reading {
	const struct rota_authdir *dir;
	struct rota_shelf *shelf;
	struct waiting *batch; /* BATCH of them */
	size_t count;
};

static enum rota_err check_path(const char *path, struct rota_fail *why)
{
	if (rota_path_valid(rota_span_cstr(path)))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT,
		"'%s' is no target path of at most %d [A-Za-z0-9._+~=,@-] and /", path,
		ROTA_PATH_MAX);
}

enum rota_err rota_bulk_file(const struct rota_authdir *dir, const char *path, const char *file,
	struct rota_shelf *shelf, struct rota_fail *why)
{
	struct rota_store_target target;

	ROTA_TRY(check_path(path, why));
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

/* Whether both lie in one directory. */
static bool beside(const char *a, const char *b)
{
	size_t len = (size_t)(strrchr(a, '/') - a);

	return (size_t)(strrchr(b, '/') - b) == len && memcmp(a, b, len) == 0;
}

/* All that wait are durable, then all get their names, then the directories are durable. */
static enum rota_err place_batch(struct reading *r, struct rota_fail *why)
{
	for (size_t i = 0; i < r->count; i++)
		ROTA_TRY(rota_draft_sync(&r->batch[i].draft, why));
	for (size_t i = 0; i < r->count; i++) {
		struct waiting *one = &r->batch[i];

		if (i + 1 < r->count && beside(one->path, one[1].path))
			ROTA_TRY(rota_draft_place(&one->draft, one->path, why));
		else
			ROTA_TRY(rota_draft_commit(&one->draft, one->path, why));
	}
	r->count = 0;
	return ROTA_OK;
}

static void drop_batch(struct reading *r)
{
	for (size_t i = 0; i < r->count; i++)
		rota_draft_drop(&r->batch[i].draft);
	free(r->batch);
}

static enum rota_err add_file(
	struct reading *r, const char *path, const char *file, struct rota_fail *why)
{
	struct waiting *one = &r->batch[r->count];
	struct rota_store_target target;

	ROTA_TRY(rota_store_draft_target(r->dir, path, file, NULL, &one->draft, &target, why));
	r->count++;
	rota_store_target_path(r->dir, path, target.sha256, one->path);
	rota_draft_push(&one->draft);
	rota_shelf_add(r->shelf, path, &target);
	return r->count < BATCH ? ROTA_OK : place_batch(r, why);
}

/* Whether its bytes may be there: reading them all is `rota repo verify`. */
static bool is_placed(
	const struct rota_authdir *dir, const char *path, const struct rota_store_target *target)
{
	char place[ROTA_FILE_PATH_MAX];
	struct stat st;

	rota_store_target_path(dir, path, target->sha256, place);
	return stat(place, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == target->len;
}

static enum rota_err add_line(struct reading *r, char *line, struct rota_fail *why)
{
	struct rota_store_target target;
	char *rest = strchr(line, '\t');

	if (!rest)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"is neither PATH<tab>FILE nor PATH<tab>LENGTH<tab>SHA256");
	*rest++ = 0;
	ROTA_TRY(check_path(line, why));
	if (!parse_described(rest, &target))
		return add_file(r, line, rest, why);
	rota_shelf_add(r->shelf, line, &target);
	r->shelf->at[r->shelf->count - 1].absent = !is_placed(r->dir, line, &target);
	return ROTA_OK;
}

static enum rota_err read_lines(
	FILE *in, const struct rota_progress *progress, struct reading *r, struct rota_fail *why)
{
	char line[ROTA_BULK_LINE_MAX];
	unsigned long number = 0;
	struct stat st = { 0 };
	uint64_t done = 0;

	if (fstat(fileno(in), &st) != 0)
		return rota_fail_errno(why, errno, "cannot read");
	while (fgets(line, sizeof(line), in)) {
		size_t len = strlen(line);
		enum rota_err err;

		number++;
		done += len;
		if (len + 1 == sizeof(line))
			return rota_fail(why, ROTA_ERR_LIMIT, "line %lu is longer than %zu bytes",
				number, sizeof(line) - 2);
		if (len && line[len - 1] == '\n')
			line[--len] = 0;
		err = len ? add_line(r, line, why) : ROTA_OK;
		if (err != ROTA_OK)
			return rota_fail_in(why, "line %lu", number);
		if (progress && S_ISREG(st.st_mode))
			progress->step(progress->ctx, done, (uint64_t)st.st_size);
	}
	if (ferror(in))
		return rota_fail_errno(why, errno, "cannot read");
	return place_batch(r, why);
}

enum rota_err rota_bulk_list(const struct rota_authdir *dir, const char *list,
	const struct rota_progress *progress, struct rota_shelf *shelf, struct rota_fail *why)
{
	struct reading r = { .dir = dir, .shelf = shelf };
	FILE *in = fopen(list, "re");
	enum rota_err err;

	if (!in)
		return rota_fail_errno(why, errno, "cannot open %s", list);
	r.batch = calloc(BATCH, sizeof(*r.batch));
	if (!r.batch)
		abort();
	err = read_lines(in, progress, &r, why);
	drop_batch(&r);
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
	if (out->files == 0)
		out->version = listing.highest;
	rota_listing_close(&listing);
	return err;
}
