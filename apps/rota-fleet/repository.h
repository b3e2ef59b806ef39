/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-fleet/repository.h -- the files of a repository, as a mirror would give them out.
 *
 * A file is read once in a run and kept: all devices of a thread ask for the same few. What is published between two runs is seen by
 * the next, since repository_forget() comes between them. A value of one thread.
 */
#ifndef APPS_ROTA_FLEET_REPOSITORY_H
#define APPS_ROTA_FLEET_REPOSITORY_H

#include "host/base/bytes.h"
#include "host/base/fail.h"

#define REPOSITORY_FILES_MAX 256 /* that devices ask for in one run */
#define REPOSITORY_FILE_MAX                                                                        \
	(1u << 20) /* the longest that a device with limits of a microcontroller reads */

struct repository {
	const char *dir; /* stays in use */
	struct repository_file {
		char *path;
		struct rota_bytes bytes; /* p NULL: there is no such file */
	} at[REPOSITORY_FILES_MAX];
	size_t count;
};

/* The file of a path of SPEC 3.1. ROTA_ERR_NOT_FOUND: there is none. ROTA_ERR_LIMIT: too many, or too long. */
ROTA_MUST_USE enum rota_err repository_file(
	struct repository *r, const char *path, struct rota_span *out);

void repository_forget(struct repository *r);

#endif
