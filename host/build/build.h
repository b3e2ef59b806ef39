/* SPDX-License-Identifier: Apache-2.0 */
/* host/build/build.h -- a source to artifacts, with nothing but the machine's /usr (SPEC 26.3).
 *
 * The source is copied (tree.h), the command runs in the copy (sandbox.h), the named artifacts are taken out. What of
 * them becomes an image gets its image digest here already: it depends on nothing that comes later.
 */
#ifndef HOST_BUILD_BUILD_H
#define HOST_BUILD_BUILD_H

#include "host/base/digest.h"
#include "host/build/provenance.h"

/* One release has at most 8 components (SPEC 7.1); a build may make a bootloader beside. */
#define ROTA_BUILD_ARTIFACTS_MAX 16

struct rota_build_plan {
	const char *source; /* folder */
	const char *out; /* folder that there is; artifacts are put there under their names */
	const char *work; /* folder that is made and removed; of the same owner */
	const char *const *argv; /* NULL-ended */
	const json_t *paths; /* artifact name (1.2) to its path below the source's folder */
	struct rota_build_image image;
	uint64_t epoch_s;
	uint32_t timeout_s;
};

struct rota_build_done {
	char tree[ROTA_DIGEST_HEX]; /* of the source */
	json_t *artifacts; /* as of struct rota_build_facts; the caller decrefs */
	uint64_t started_s, finished_s;
};

/* ROTA_ERR_NOT_FOUND: the command made no such file. ROTA_ERR_DENIED: what it made there is no regular file, or is reached
 * through a link. Else as rota_tree_copy(), rota_sandbox_run(). */
ROTA_MUST_USE enum rota_err rota_build_run(
	const struct rota_build_plan *plan, struct rota_build_done *out, struct rota_fail *why);

/* Whether paths are what a build may name: 1 to ROTA_BUILD_ARTIFACTS_MAX names, paths that stay below. */
ROTA_MUST_USE enum rota_err rota_build_paths_check(const json_t *paths, struct rota_fail *why);

#endif
