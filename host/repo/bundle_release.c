/* SPDX-License-Identifier: Apache-2.0 */
/* The texts that a bundle carries, for the signer to read (SPEC 14.3). */
#include "host/repo/bundle_judge.h"
#include "host/repo/judge.h"

/* A role in a bundle. */
struct shelf {
	const struct rota_bundle_view *v;
	const struct rota_duty *duty;
};

/* What the role or one of its bins in the bundle lists under a path. */
static const json_t *listed(const void *ctx, const char *path)
{
	const struct shelf *shelf = ctx;
	const struct rota_bundle_view *v = shelf->v;
	const json_t *entry = NULL;

	for (size_t i = 0; i < v->count && !entry; i++)
		if (v->items[i].duty == shelf->duty)
			entry = json_object_get(json_object_get(v->items[i].now, "targets"), path);
	return entry;
}

/* The targets of an item that are new or other than before, and read; *count grows by them. */
static enum rota_err judge_item(const struct rota_bundle_view *v,
	const struct rota_bundle_item *item, size_t *count, struct rota_fail *why)
{
	const struct shelf shelf = { v, item->duty };
	const struct rota_judge_list list = { &shelf, listed };
	const json_t *before = json_object_get(item->was, "targets");
	const char *path;
	json_t *entry;

	json_object_foreach(json_object_get(item->now, "targets"), path, entry)
	{
		const json_t *old = json_object_get(before, path);

		if ((old && json_equal(old, entry)) || !rota_judge_is_read(item->duty, path))
			continue;
		++*count;
		ROTA_TRY(rota_judge_file(item->duty, path, entry,
			json_object_get(v->bundle->files, path), &list, why));
	}
	return ROTA_OK;
}

enum rota_err rota_bundle_judge_files(const struct rota_bundle_view *view, struct rota_fail *why)
{
	size_t count = 0;

	for (size_t i = 0; i < view->count; i++)
		if (judge_item(view, &view->items[i], &count, why) != ROTA_OK)
			return rota_fail_in(why, "role %s", view->items[i].role);
	if (count == json_object_size(view->bundle->files))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT,
		"the bundle carries a text that belongs to nothing new in it (SPEC 14.3)");
}
