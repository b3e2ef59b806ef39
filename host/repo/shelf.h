/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/shelf.h -- many targets in little memory, in the order in which bins take them: path, length, digest.
 *
 * About 60 bytes and the path for each, where a JSON object takes ten times that: a million fit 120 MB.
 */
#ifndef HOST_REPO_SHELF_H
#define HOST_REPO_SHELF_H

#include "host/repo/store.h"

struct rota_shelf_target {
	size_t path; /* offset in text */
	uint32_t bin;
	bool absent; /* a file of its length was not found in its place in the repository */
	struct rota_store_target is;
};

/* Begin with { 0 }. */
struct rota_shelf {
	struct rota_shelf_target *at;
	size_t count, room;
	struct rota_bytes text; /* paths, each with its NUL */
};

void rota_shelf_add(struct rota_shelf *s, const char *path, const struct rota_store_target *target);

/* Every member of `targets`. ROTA_ERR_FORMAT: an entry without length or SHA-256 (SPEC 3.6). */
ROTA_MUST_USE enum rota_err rota_shelf_add_all(
	struct rota_shelf *s, const json_t *targets, struct rota_fail *why);

/* Order by bin (bits 0: all in one), then path. */
void rota_shelf_sort(struct rota_shelf *s, unsigned bits);

static inline const char *rota_shelf_path(const struct rota_shelf *s, size_t i)
{
	return (const char *)s->text.p + s->at[i].path;
}

void rota_shelf_free(struct rota_shelf *s);

#endif
