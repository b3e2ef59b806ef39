/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/carry.h -- what `rota publish` does for a signing log, where rota.ini names one (SPEC 22.6). */
#ifndef APPS_ROTA_CARRY_H
#define APPS_ROTA_CARRY_H

#include "apps/rota/session.h"
#include "host/log/policy.h"
#include "host/repo/publish.h"

struct carry {
	struct rota_publish_log log; /* for the plan */
	bool kept; /* whether there is a log */
	char *from, *to; /* owned */
	struct rota_log_policy policy;
	struct rota_fail held; /* why releases are held back; "": they are not */
};

/* What [log] of rota.ini and DIR/trust/log-policy say. `c` is zeroed, and not moved afterwards; carry_close() also after
 * an error. */
ROTA_MUST_USE enum rota_err carry_open(struct carry *c, struct session *s);
void carry_close(struct carry *c);

/* How it stands: the published checkpoint, its witnesses, releases that wait for a proof. For `rota status`. */
struct carry_standing {
	bool published; /* there is a checkpoint */
	uint64_t entries;
	unsigned witnesses; /* of those that count */
	size_t unproven;
};

ROTA_MUST_USE enum rota_err carry_look(
	const struct carry *c, struct session *s, struct carry_standing *out);

#endif
