/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/chain.h -- the chain of trust on files in memory: root to root, root to role, targets to delegated role.
 *
 * Pure: no store, no clock. A *delegator* is the `signed` object of a verified root, or of verified top-level
 * targets. Expiry is not looked at here; host/repo/trust.h says why.
 */
#ifndef HOST_REPO_CHAIN_H
#define HOST_REPO_CHAIN_H

#include "host/base/json.h"

/* Who signs a role; borrowed from the delegator. */
struct rota_delegation {
	const json_t *keys; /* id to key object */
	const json_t *keyids;
	unsigned
		threshold; /* 0 when the delegator names none that makes sense: nothing passes it */
};

/* What `delegator` says of `role`; false when it says nothing. */
bool rota_chain_find(const json_t *delegator, const char *role, struct rota_delegation *out);

/* A role's file under its delegator; *content is its `signed`, which the caller decrefs.
 * ROTA_ERR_ROLE: the delegator does not know the role. Else as rota_envelope_verify(). */
ROTA_MUST_USE enum rota_err rota_chain_verify(const json_t *delegator, const char *role,
	struct rota_span file, json_t **content, struct rota_fail *why);

/* A root that is trusted already, under itself, as every root must be (TUF 5.3.4). */
ROTA_MUST_USE enum rota_err rota_chain_begin(
	struct rota_span file, json_t **root, struct rota_fail *why);

/* *root becomes its successor, whose file is `file`: signed under both, one version on (TUF 5.3.4, 5.3.5). On
 * failure *root stays. */
ROTA_MUST_USE enum rota_err rota_chain_succeed(
	json_t **root, struct rota_span file, struct rota_fail *why);

/* The same of a file that was parsed already. */
ROTA_MUST_USE enum rota_err rota_chain_succeed_by(
	json_t **root, const json_t *envelope, struct rota_fail *why);

/* `version` of a `signed` object, 0 when it has none. */
uint64_t rota_chain_version(const json_t *content);

#endif
