/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/anew.h -- a root that no earlier root vouches for (SPEC 27.4).
 *
 * Where too few of root's keys are left, or a thief has as many as it takes, the chain of roots ends. The next one is signed
 * by its own keys alone; devices trust it because a recovery order names it, and here it is trusted because it becomes the
 * anchor. Its version is one above all that were signed.
 */
#ifndef HOST_REPO_ANEW_H
#define HOST_REPO_ANEW_H

#include "host/repo/bundle_keys.h"
#include "host/repo/metadata.h"

/* The newest root that is signed with other keys, as a file without signatures. ROTA_ERR_ARGUMENT: fewer keys of root give
 * way than its threshold leaves: its people can sign an ordinary one. */
ROTA_MUST_USE enum rota_err rota_anew_make(struct rota_desk *desk,
	const struct rota_bundle_rekeying *how, struct rota_bytes *file, struct rota_fail *why);

/* Add signatures of root's seats at hand whose keys it names and that have not signed; *added of them.
 * ROTA_ERR_DENIED: there are none. ROTA_ERR_FORMAT: it is no root. */
ROTA_MUST_USE enum rota_err rota_anew_sign(
	struct rota_desk *desk, json_t *envelope, unsigned *added, struct rota_fail *why);

/* Put it into the repository and make it the anchor; roots that wait for their slots are dropped. Safe to repeat.
 * ROTA_ERR_THRESHOLD: it is not signed by as many of its own keys as it says. ROTA_ERR_VERSION: not above the newest. */
ROTA_MUST_USE enum rota_err rota_anew_take(
	const struct rota_authdir *dir, struct rota_span file, struct rota_fail *why);

#endif
