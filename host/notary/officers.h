/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/officers.h -- approvals in a file that is carried: lines (SPEC 20.1), counted where no rule of a daemon applies. */
#ifndef HOST_NOTARY_OFFICERS_H
#define HOST_NOTARY_OFFICERS_H

#include "host/notary/approval.h"

/* Each officer's, some of them given again when they ran out. */
#define ROTA_OFFICERS_LINES_MAX 32

/* How many distinct officers say yes to what has this digest. A line of somebody else, of something else, that expired or counts for
 * more than ROTA_APPROVAL_AHEAD_S counts for nothing. ROTA_ERR_DENIED: one of them says no. ROTA_ERR_LIMIT. */
ROTA_MUST_USE enum rota_err rota_officers_count(const struct rota_named_key *officers,
	size_t officer_count, struct rota_span lines, const uint8_t digest[static ROTA_DIGEST_LEN],
	uint64_t now, unsigned *have, struct rota_fail *why);

#endif
