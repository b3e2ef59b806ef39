/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/campaignlog.h -- how far key campaigns are: records CAMPAIGN (SPEC 30.6).
 *
 * The payload is canonical JSON. The first record of a campaign is `requested` and says what it is; each further one
 * has `by`, `campaign`, `did`, `why`, and takes a step that the table permits.
 */
#ifndef HOST_REGISTRY_CAMPAIGNLOG_H
#define HOST_REGISTRY_CAMPAIGNLOG_H

#include "host/registry/fleet.h"

enum rota_keylog_state { /* numbers are kept */
	ROTA_KEYLOG_REQUESTED = 1,
	ROTA_KEYLOG_APPROVED,
	ROTA_KEYLOG_REFUSED,
	ROTA_KEYLOG_EXPIRED,
	ROTA_KEYLOG_SEALING,
	ROTA_KEYLOG_SEALED,
	ROTA_KEYLOG_SIGNED,
	ROTA_KEYLOG_PUBLISHED,
	ROTA_KEYLOG_PAUSED,
	ROTA_KEYLOG_ABORTED,
	ROTA_KEYLOG_DONE,
	ROTA_KEYLOG_RETIRING,
	ROTA_KEYLOG_RETIRED,
	ROTA_KEYLOG_STATES
};

/* "requested" and so on; "" for a number that is none. */
const char *rota_keylog_word(uint8_t state);

/* Whether a campaign may go from one state to the other. */
bool rota_keylog_may(uint8_t from, uint8_t to);

/* *result says what came of it; errors are the database's. */
ROTA_MUST_USE enum rota_err rota_campaignlog_apply(const struct rota_regdb *reg,
	const struct rota_record *record, enum rota_fleet_result *result, struct rota_fail *why);

/* Whether a proof (statement of kind 1) is for the purpose and generation of the campaign that it names (SPEC 35.4).
 * ROTA_ERR_VERSION: for another one. ROTA_ERR_NOT_FOUND: no record told of that campaign. Else the database's. */
ROTA_MUST_USE enum rota_err rota_campaignlog_fits(
	const struct rota_regdb *reg, const struct rota_statement *proof, struct rota_fail *why);

#endif
