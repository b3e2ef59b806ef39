/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/verify_parts.h -- what the parts of the walk share; nobody else includes it.
 *
 * verify.c          roots, hint, timestamp, snapshot, targets
 * verify_targets.c  delegated roles, their bins, their targets, and what nothing lists
 */
#ifndef HOST_REPO_VERIFY_PARTS_H
#define HOST_REPO_VERIFY_PARTS_H

#include "host/repo/reach.h"
#include "host/repo/verify.h"

struct rota_verify_walk {
	const char *repo;
	const struct rota_verify_plan *plan;
	uint64_t now;
	const struct rota_verify_sink *sink;
	struct rota_verify_result *result;
	struct rota_verify_sum sum; /* of the role at hand */
	json_t *root; /* `signed` of the newest root */
	json_t *snapshot, *targets;
	struct rota_reach reached; /* every file that was looked at */
	uint64_t role_files; /* delegated roles and bins looked at, for the progress */
};

/* One finding. */
void rota_verify_say(struct rota_verify_walk *w, bool good, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Findings from here on are of this role; its last one was said. */
void rota_verify_begin(struct rota_verify_walk *w, const char *role);
void rota_verify_end(struct rota_verify_walk *w);

/* Read metadata/NAME, hold it against the parent's entry, verify it under (keys, role's keyids and threshold).
 * NULL: said why not. */
json_t *rota_verify_role(struct rota_verify_walk *w, const char *name, const json_t *entry,
	const json_t *keys, const json_t *role);

uint64_t rota_verify_number(const json_t *object, const char *name);

/* Everything below top-level targets. */
void rota_verify_targets(struct rota_verify_walk *w);

/* Count what nothing lists. */
ROTA_MUST_USE enum rota_err rota_verify_strays(struct rota_verify_walk *w, struct rota_fail *why);

#endif
