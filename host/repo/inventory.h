/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/inventory.h -- which versions of which roles there are: one look at a directory of metadata.
 *
 * A repository with bins has tens of thousands of files; asking for each role's newest version by itself would read
 * the directory as often.
 */
#ifndef HOST_REPO_INVENTORY_H
#define HOST_REPO_INVENTORY_H

#include "host/repo/store.h"

/* Longest role name in a file name, with its NUL: the longest that a session follows (SPEC 4.8). */
#define ROTA_INVENTORY_NAME_MAX 65

struct rota_inventory_file {
	char role[ROTA_INVENTORY_NAME_MAX];
	uint64_t version;
};

/* Sorted by role, then version. */
struct rota_inventory {
	struct rota_inventory_file *at;
	size_t count;
};

/* Every N.ROLE.json in the directory `path`; other names are passed over. */
ROTA_MUST_USE enum rota_err rota_inventory_load(
	const char *path, struct rota_inventory *out, struct rota_fail *why);
void rota_inventory_free(struct rota_inventory *inventory);

/* Newest version of a role; 0 when there is none. */
uint64_t rota_inventory_newest(const struct rota_inventory *inventory, const char *role);

/* ROLE and N of a file name "N.ROLE.json"; false when it is another name. */
bool rota_inventory_parse(const char *name, struct rota_inventory_file *out);

#endif
