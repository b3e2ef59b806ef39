/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/reach.h"
#include "host/base/digest.h"
#include "host/repo/inventory.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void tag_of(const char *name, uint8_t tag[static ROTA_REACH_TAG_LEN])
{
	uint8_t digest[ROTA_DIGEST_LEN];

	rota_digest_of(rota_span_cstr(name), digest);
	memcpy(tag, digest, ROTA_REACH_TAG_LEN);
}

void rota_reach_add(struct rota_reach *reach, const char *name)
{
	if (reach->count == reach->room) {
		reach->room = reach->room ? 2 * reach->room : 256;
		reach->tags = realloc(reach->tags, reach->room * sizeof(*reach->tags));
		if (!reach->tags)
			abort();
	}
	tag_of(name, reach->tags[reach->count++]);
}

void rota_reach_add_target(struct rota_reach *reach, const char *path, const char *sha256)
{
	const char *slash = strrchr(path, '/');
	int dir_len = slash ? (int)(slash - path + 1) : 0;
	char *name = rota_text("targets/%.*s%s.%s", dir_len, path, sha256, path + dir_len);

	rota_reach_add(reach, name);
	free(name);
}

static int by_tag(const void *a, const void *b)
{
	return memcmp(a, b, ROTA_REACH_TAG_LEN);
}

/* What was added since the last question lies unsorted at the end; sorting that together with the rest each time
 * would be dear, so up to a thousand of them are looked through one by one. */
#define UNSORTED_MAX 1000

bool rota_reach_has(struct rota_reach *reach, const char *name)
{
	uint8_t tag[ROTA_REACH_TAG_LEN];

	tag_of(name, tag);
	if (reach->count - reach->sorted > UNSORTED_MAX) {
		qsort(reach->tags, reach->count, sizeof(*reach->tags), by_tag);
		reach->sorted = reach->count;
	}
	for (size_t i = reach->sorted; i < reach->count; i++)
		if (by_tag(reach->tags[i], tag) == 0)
			return true;
	return reach->sorted &&
		bsearch(tag, reach->tags, reach->sorted, sizeof(*reach->tags), by_tag) != NULL;
}

void rota_reach_free(struct rota_reach *reach)
{
	free(reach->tags);
	*reach = (struct rota_reach){ 0 };
}

/* Whether a file of metadata/ is a version of a role, and not of root. */
static bool is_version(const char *name)
{
	struct rota_inventory_file file;

	return rota_inventory_parse(name, &file) && strcmp(file.role, "root") != 0;
}

/* Of targets: not ours, but for what a run that was killed left half-written. */
static bool is_hidden(const char *name)
{
	return name[0] == '.' && strncmp(name, ROTA_DRAFT_PREFIX, strlen(ROTA_DRAFT_PREFIX)) != 0;
}

struct walk {
	struct rota_reach *reach;
	const char *repo;
	bool metadata;
	void *ctx;
	enum rota_err (*each)(void *ctx, const struct rota_stray *stray, struct rota_fail *why);
};

static enum rota_err visit(const struct walk *w, const FTSENT *e, struct rota_fail *why)
{
	const struct rota_stray stray = { .name = e->fts_path + strlen(w->repo) + 1,
		.path = e->fts_path,
		.bytes = (uint64_t)e->fts_statp->st_size,
		.since_s = (uint64_t)e->fts_statp->st_ctim.tv_sec };

	switch (e->fts_info) {
	case FTS_F:
		break;
	case FTS_NS:
		if (e->fts_level == 0 && e->fts_errno == ENOENT)
			return ROTA_OK;
		return rota_fail_errno(why, e->fts_errno, "cannot read %s", e->fts_path);
	case FTS_DNR:
	case FTS_ERR:
		return rota_fail_errno(why, e->fts_errno, "cannot read %s", e->fts_path);
	default:
		return ROTA_OK;
	}
	if (w->metadata ? !is_version(e->fts_name) : is_hidden(e->fts_name))
		return ROTA_OK;
	if (rota_reach_has(w->reach, stray.name))
		return ROTA_OK;
	return w->each(w->ctx, &stray, why);
}

enum rota_err rota_reach_strays(struct rota_reach *reach, const char *repo, const char *part,
	void *ctx,
	enum rota_err (*each)(void *ctx, const struct rota_stray *stray, struct rota_fail *why),
	struct rota_fail *why)
{
	const struct walk w = { .reach = reach,
		.repo = repo,
		.metadata = strcmp(part, "metadata") == 0,
		.ctx = ctx,
		.each = each };
	char *top = rota_text("%s/%s", repo, part);
	char *const tops[] = { top, NULL };
	FTS *fts = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	enum rota_err err = ROTA_OK;
	FTSENT *e;

	if (!fts) {
		rota_fail_errno(why, errno, "cannot read %s", top);
		free(top);
		return why->err;
	}
	while (err == ROTA_OK && (e = fts_read(fts)) != NULL)
		err = visit(&w, e, why);
	fts_close(fts);
	free(top);
	return err;
}
