/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/pending.h -- targets that wait for the offline signers of their role.
 *
 *     DIR/staging/ROLE.pending     {"targets":{PATH:ENTRY}}
 *
 * What waits is what shall be listed, not a file to be signed: each export applies it to the role as it is
 * then, so a repository that moves on meanwhile costs nothing but another export.
 */
#ifndef HOST_REPO_PENDING_H
#define HOST_REPO_PENDING_H

#include "host/base/json.h"
#include "host/sign/authdir.h"

/* What waits for a role: a new object of path to entry (SPEC 3.6), empty when nothing does. */
ROTA_MUST_USE enum rota_err rota_pending_load(
	const struct rota_authdir *dir, const char *role, json_t **targets, struct rota_fail *why);

/* Let these wait too. ROTA_ERR_STATE: one of the paths does already. */
ROTA_MUST_USE enum rota_err rota_pending_add(const struct rota_authdir *dir, const char *role,
	const json_t *targets, struct rota_fail *why);

/* `listed` (path to entry) was published: what is in it waits no more. With NULL nothing does. */
ROTA_MUST_USE enum rota_err rota_pending_settle(const struct rota_authdir *dir, const char *role,
	const json_t *listed, struct rota_fail *why);

#endif
