/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/making.h -- files that make sense together only: a role's file and all of its bins.
 *
 * They are staged one by one under one version that nothing had before, and DIR/staging/ROLE.making holds that
 * version while they are. Who is killed in between leaves the note, and what bears the version is removed by
 * whoever comes next: nothing of half a set is ever published.
 */
#ifndef HOST_REPO_MAKING_H
#define HOST_REPO_MAKING_H

#include "host/sign/authdir.h"

ROTA_MUST_USE enum rota_err rota_making_begin(
	const struct rota_authdir *dir, const char *role, uint64_t version, struct rota_fail *why);

/* The set is whole. */
ROTA_MUST_USE enum rota_err rota_making_end(
	const struct rota_authdir *dir, const char *role, struct rota_fail *why);

/* Take away the half of a set that a run left behind, if one did. Under DIR/lock only. */
ROTA_MUST_USE enum rota_err rota_making_undo(const struct rota_authdir *dir, struct rota_fail *why);

#endif
