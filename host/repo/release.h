/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/release.h -- put a release together: artifacts into targets/, release.json, the role that lists it.
 *
 * Images speak for themselves (product, version, hardware, counter, digest are read from them); a raw payload
 * is described by the plan. The finished release.json is read by the device's own decoder before anybody signs
 * it, so what SPEC 7 refuses never gets a signature. A release is never changed: a version that the role
 * lists is refused.
 */
#ifndef HOST_REPO_RELEASE_H
#define HOST_REPO_RELEASE_H

#include "host/base/digest.h"
#include "host/repo/metadata.h"
#include "rota/codec/release.h"

struct rota_release_part {
	const char *name, *slot, *file;
	bool raw; /* no image of SPEC 6 */
	const char *hardware[ROTA_RELEASE_HARDWARE_MAX]; /* raw only */
	size_t hardware_count;
	uint64_t order;
};

struct rota_release_plan {
	const char *role; /* "releases" or "ci" */
	const char *product;
	uint64_t version;
	uint64_t minimum;
	const char *build;
	const char *abort;
	const char *sbom, *provenance; /* files, or NULL */
	uint64_t revert_to[ROTA_RELEASE_REVERT_MAX];
	size_t revert_count;
	uint64_t canary, first_ppm, growth, soak_s;
	const char *everyone;
	const char *groups[ROTA_RELEASE_GROUPS_MAX];
	size_t group_count;
	struct rota_release_part parts[ROTA_RELEASE_COMPONENTS_MAX];
	size_t part_count;
	bool unsigned_; /* leave it waiting for the offline signers (host/repo/pending.h) */
};

struct rota_release_done {
	char path[256]; /* target path of release.json */
	uint8_t sha256[ROTA_DIGEST_LEN]; /* of release.json */
	uint64_t role_version; /* staged; of the bin, where the role has bins; 0 when it waits */
};

/* Copy, write, sign, stage. `rota publish` makes it count, a rollout policy makes devices install it. */
ROTA_MUST_USE enum rota_err rota_release_make(struct rota_desk *desk,
	const struct rota_release_plan *plan, const struct rota_crypto *crypto,
	const struct rota_progress *progress, struct rota_release_done *out, struct rota_fail *why);

#endif
