/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/audit.h -- what the verbs of `rota audit` begin with: a log that was published, and whom to believe. */
#ifndef APPS_ROTA_AUDIT_H
#define APPS_ROTA_AUDIT_H

#include "host/log/policy.h"
#include "host/log/tiles.h"

/* The option of all of them, a row of struct opts_row. */
#define AUDIT_POLICY(at)                                                                           \
	{                                                                                          \
		"policy", "FILE", "keys of log and witnesses (default DIR/trust/log-policy)",      \
			OPTS_TEXT, at                                                              \
	}

struct audit_place {
	char *export; /* the folder that rota audit export made; NULL: it is none. These three are owned */
	char *folder, *policy_file;
	struct rota_tiles files; /* in it */
	struct rota_log_policy policy;
};

/* NULL: log/ in the repository of DIR, and DIR/trust/log-policy. A folder that `rota audit export` made has its own of both.
 * audit_close() also after an error. Do not move it. */
ROTA_MUST_USE enum rota_err audit_open(
	struct audit_place *place, const char *folder, const char *policy, struct rota_fail *why);
void audit_close(struct audit_place *place);

/* The file of private records of an exported folder, for free(); NULL: there is none. */
char *audit_records_in(const struct audit_place *place);

/* Field 11 of a ROM record (SPEC 22.4) from a policy file, in `room` (ROTA_ROM_MAX is enough). */
ROTA_MUST_USE enum rota_err audit_demand(
	const char *policy, struct rota_buf room, struct rota_span *out, struct rota_fail *why);

#endif
