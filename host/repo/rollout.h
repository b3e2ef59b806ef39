/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/rollout.h -- the rollout policy of a product: the only pointer to what a device installs (SPEC 8).
 *
 * As with releases, the device's own decoder reads a policy before anybody signs it.
 */
#ifndef HOST_REPO_ROLLOUT_H
#define HOST_REPO_ROLLOUT_H

#include "host/base/digest.h"
#include "host/repo/ledger.h"
#include "rota/codec/name.h"

struct rota_rollout_done {
	char path[256]; /* target path */
	struct rota_ledger_done done;
};

/* Where a release of this channel stands: path and SHA-256 of its release.json, as the role lists it.
 * ROTA_ERR_NOT_FOUND: no such release was added. */
ROTA_MUST_USE enum rota_err rota_rollout_find_release(const struct rota_authdir *dir,
	const char *role, const char *product, const char *version, char path[static 256],
	uint8_t sha256[static ROTA_DIGEST_LEN], struct rota_fail *why);

/* Put `campaign` (stolen reference; members of SPEC 8.2) in the place of its channel's, raise the sequence,
 * sign the role `rollouts`, stage it. */
ROTA_MUST_USE enum rota_err rota_rollout_set(struct rota_desk *desk, const char *product,
	json_t *campaign, struct rota_rollout_done *out, struct rota_fail *why);

/* What a device says of a policy's text; its product into *product. */
ROTA_MUST_USE enum rota_err rota_rollout_read(struct rota_span text, struct rota_name *product);

#endif
