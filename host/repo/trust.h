/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/trust.h -- is this file of the repository one that its role's people signed?
 *
 * The repository is served, mirrored and written by others than those who sign. So nothing that stands there is
 * signed anew, listed in a snapshot or given to a device before it verified, from DIR/trust/root.json (the
 * first root, which the authority keeps for itself) over every root up to the newest, and top-level targets.
 * Expiry is not looked at: what has expired is what must be signed anew.
 */
#ifndef HOST_REPO_TRUST_H
#define HOST_REPO_TRUST_H

#include "host/base/json.h"
#include "host/sign/authdir.h"

/* Keep `file`, version 1 of root or one that begins anew (host/repo/anew.h), as the anchor. */
ROTA_MUST_USE enum rota_err rota_trust_anchor(
	const struct rota_authdir *dir, struct rota_span file, struct rota_fail *why);

/* The file of the anchor. */
ROTA_MUST_USE enum rota_err rota_trust_anchor_read(
	const struct rota_authdir *dir, struct rota_bytes *file, struct rota_fail *why);

/* Its version: roots are walked from there. */
ROTA_MUST_USE enum rota_err rota_trust_anchor_version(
	const struct rota_authdir *dir, uint64_t *version, struct rota_fail *why);

/* Verify a file of `role`; *content is its `signed`, which the caller decrefs. A file of root must be the
 * newest one. ROTA_ERR_THRESHOLD, ROTA_ERR_FORMAT as rota_envelope_verify(). */
ROTA_MUST_USE enum rota_err rota_trust_check(const struct rota_authdir *dir, const char *role,
	struct rota_span file, json_t **content, struct rota_fail *why);

#endif
