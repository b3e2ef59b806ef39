/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/shelf.h"
#include "host/repo/bins.h"

#include <stdlib.h>
#include <string.h>

void rota_shelf_add(struct rota_shelf *s, const char *path, const struct rota_store_target *target)
{
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->at = realloc(s->at, s->room * sizeof(*s->at));
		if (!s->at)
			abort();
	}
	s->at[s->count++] = (struct rota_shelf_target){ .path = s->text.len, .is = *target };
	rota_bytes_add(&s->text, rota_span(path, strlen(path) + 1));
}

enum rota_err rota_shelf_add_all(struct rota_shelf *s, const json_t *targets, struct rota_fail *why)
{
	const char *path;
	json_t *entry;

	json_object_foreach((json_t *)(uintptr_t)targets, path, entry)
	{
		struct rota_store_target target;

		if (!rota_store_target_read(entry, &target))
			return rota_fail(why, ROTA_ERR_FORMAT,
				"%s: no length and SHA-256 are listed (SPEC 3.6)", path);
		rota_shelf_add(s, path, &target);
	}
	return ROTA_OK;
}

static int by_bin(const void *a, const void *b, void *ctx)
{
	const struct rota_shelf_target *ta = a, *tb = b;
	const struct rota_shelf *s = ctx;
	const char *text = (const char *)s->text.p;

	if (ta->bin != tb->bin)
		return ta->bin < tb->bin ? -1 : 1;
	return strcmp(text + ta->path, text + tb->path);
}

void rota_shelf_sort(struct rota_shelf *s, unsigned bits)
{
	for (size_t i = 0; i < s->count; i++)
		s->at[i].bin = bits ? rota_bins_index(rota_shelf_path(s, i), bits) : 0;
	if (s->count)
		qsort_r(s->at, s->count, sizeof(*s->at), by_bin, s);
}

void rota_shelf_free(struct rota_shelf *s)
{
	free(s->at);
	rota_bytes_free(&s->text);
	*s = (struct rota_shelf){ 0 };
}
