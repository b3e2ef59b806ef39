/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/listing.h -- the targets that a role lists, in its own file or in bins (SPEC 3.7).
 *
 * Opened for writing under DIR/lock. What is looked at was verified; only the bins that were asked for are read, and
 * only those that changed are signed, each under the next version of its own. Staged files count as what is there.
 */
#ifndef HOST_REPO_LISTING_H
#define HOST_REPO_LISTING_H

#include "host/repo/bins.h"
#include "host/repo/metadata.h"

struct rota_listing_bin {
	uint32_t index;
	json_t *content; /* `signed` */
	bool changed;
};

/* Private but for role, bits, content and highest. */
struct rota_listing {
	const struct rota_authdir *dir;
	const char *role;
	unsigned bits; /* 0: no bins */
	json_t *content; /* `signed` of the role's file */
	bool changed; /* the role's own targets */
	struct rota_listing_bin *bins; /* those that were opened */
	size_t bin_count;
	json_t *meta; /* of the last snapshot; NULL: none is remembered */
	uint64_t *newest; /* version of each bin, 0 for one that is missing */
	uint64_t highest; /* version that the role's file or any bin has anywhere */
};

ROTA_MUST_USE enum rota_err rota_listing_open(const struct rota_authdir *dir, const char *role,
	struct rota_listing *out, struct rota_fail *why);
void rota_listing_close(struct rota_listing *l);

/* The entry of a target path; *entry is borrowed, NULL when the path is not listed. */
ROTA_MUST_USE enum rota_err rota_listing_get(
	struct rota_listing *l, const char *path, const json_t **entry, struct rota_fail *why);

/* List `path`; the reference to `entry` is stolen, also on failure. ROTA_ERR_ROLE: not one of the paths that the
 * role may sign (SPEC 3.2). */
ROTA_MUST_USE enum rota_err rota_listing_set(
	struct rota_listing *l, const char *path, json_t *entry, struct rota_fail *why);

/* Sign and stage what changed, then forget the bins that are open. *version: the highest that was signed; 0 when
 * nothing changed. */
ROTA_MUST_USE enum rota_err rota_listing_sign(
	struct rota_listing *l, struct rota_desk *desk, uint64_t *version, struct rota_fail *why);

/* `signed` of the newest file of bin `index`; the caller decrefs. */
ROTA_MUST_USE enum rota_err rota_listing_bin(
	const struct rota_listing *l, uint32_t index, json_t **content, struct rota_fail *why);

/* Have the role's party sign bin `name` as `seal` says, see to it that it verifies under `content` of its role, and
 * stage it. */
ROTA_MUST_USE enum rota_err rota_listing_stage(struct rota_desk *desk, const json_t *content,
	const char *role, const struct rota_seal *seal, json_t *bin, struct rota_fail *why);

#endif
