/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/reach.h -- which files of a repository are listed by something, and a walk over those that are not.
 *
 * A set of names below the repository ("metadata/7.releases.json"), kept as 16 bytes of their SHA-256 each: a million
 * targets take 16 MB. Who would have two names with the same 16 bytes must find them first, and keeps a file by it.
 */
#ifndef HOST_REPO_REACH_H
#define HOST_REPO_REACH_H

#include "host/base/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROTA_REACH_TAG_LEN 16

/* Begin with { 0 }. */
struct rota_reach {
	uint8_t (*tags)[ROTA_REACH_TAG_LEN];
	size_t count, sorted, room;
};

void rota_reach_add(struct rota_reach *reach, const char *name);

/* Target `path` with this digest (hex), under the name of its file (SPEC 3.1). */
void rota_reach_add_target(struct rota_reach *reach, const char *path, const char *sha256);

bool rota_reach_has(struct rota_reach *reach, const char *name);
void rota_reach_free(struct rota_reach *reach);

/* A file that nothing lists. */
struct rota_stray {
	const char *name; /* below the repository */
	const char *path; /* to open or remove it */
	uint64_t bytes;
	uint64_t since_s; /* when it was last renamed or changed, seconds since 1970 */
};

/* Call `each` for every file of metadata/ or targets/ (`part`), if it is there, that is not in the set; an error of its ends the
 * walk. Of metadata/ only names N.ROLE.json are asked about, and no root; of targets/ none that begins with a dot but
 * for half-written files. `each` may remove the file, and directories that are empty then. */
ROTA_MUST_USE enum rota_err rota_reach_strays(struct rota_reach *reach, const char *repo,
	const char *part, void *ctx,
	enum rota_err (*each)(void *ctx, const struct rota_stray *stray, struct rota_fail *why),
	struct rota_fail *why);

#endif
