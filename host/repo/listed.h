/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/listed.h -- which file of a role counts: what the authority's own last snapshot says (store.h).
 *
 * Who writes the repository can put any file there under any version, exchange one, or take it away. A signature
 * does not tell: what a role signed once verifies for ever, and its bins have its own keys. So versions and
 * digests are those of the snapshot that was signed last, which is remembered out of his reach, and beyond it only what
 * lies in staging counts. Before the first snapshot nothing is remembered, and the names in the repository count.
 */
#ifndef HOST_REPO_LISTED_H
#define HOST_REPO_LISTED_H

#include "host/repo/store.h"

/* `meta` of the last snapshot, which the caller decrefs; NULL when none is remembered. */
ROTA_MUST_USE enum rota_err rota_listed_load(
	const struct rota_authdir *dir, json_t **meta, struct rota_fail *why);

/* The version that is listed of a role or bin; 0 when there is none. */
uint64_t rota_listed_version(const json_t *meta, const char *role);

/* A file of `version`: the listed one, or of a version that is not listed. Else ROTA_ERR_HASH. */
ROTA_MUST_USE enum rota_err rota_listed_check(const json_t *meta, const char *role,
	uint64_t version, struct rota_span file, struct rota_fail *why);

/* `published` and `staged` are the newest versions of a role by the names in the two places, 0 for none.
 * ROTA_ERR_HASH: the published one was never listed nor staged. ROTA_ERR_NOT_FOUND: the listed one is gone. */
ROTA_MUST_USE enum rota_err rota_listed_judge(const struct rota_authdir *dir, const char *role,
	uint64_t published, uint64_t staged, struct rota_fail *why);

#endif
