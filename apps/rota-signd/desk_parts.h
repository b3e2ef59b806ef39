/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/desk_parts.h -- what the desk's two files share: requests (desk.c), and those that wait (desk_wait.c). */
#ifndef APPS_ROTA_SIGND_DESK_PARTS_H
#define APPS_ROTA_SIGND_DESK_PARTS_H

#include "apps/rota-signd/desk.h"

/* The deed's entry, of our own values. Takes `record`. */
void desk_write_entry(struct deed *out, const struct rota_leaf *leaf, json_t *record);

/* Make a refusal of what stands in `why`, with its entry, unless there were too many of this client (SPEC 18.6); one that
 * closes a request has always its entry. client: NULL, a stranger. */
void desk_refuse_why(struct desk *d, const struct rota_identity *who, const char *client,
	const struct desk_time *when, const struct rota_fail *why, struct deed *out);

/* The request is granted by its approvals, or waits for some. */
ROTA_MUST_USE enum rota_err desk_wait(
	struct desk *d, const struct rota_rule *rule, struct deed *out, struct rota_fail *why);

#endif
