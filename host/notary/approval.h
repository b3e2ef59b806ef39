/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/approval.h -- an officer's signature over a request that he was shown (SPEC 20).
 *
 * It covers the digest of the request's very bytes, until when it counts, and whether it is a yes. The key is one of the
 * officer's token that signs nothing else. Parser and log writer of the daemon each check it for themselves.
 */
#ifndef HOST_NOTARY_APPROVAL_H
#define HOST_NOTARY_APPROVAL_H

#include "host/notary/policy.h"

#define ROTA_APPROVAL_MAX 1024 /* bytes of the text; what we write has about 400 */
#define ROTA_APPROVAL_AHEAD_S (7 * 86400) /* SPEC 20.3 */

struct rota_approval {
	uint8_t ask[ROTA_DIGEST_LEN]; /* digest of the request */
	uint64_t expires_s;
	uint8_t key[ROTA_DIGEST_LEN]; /* key id of the officer */
	uint8_t sig[ROTA_P256_SIG_LEN];
	bool refuse;
};

/* SHA-256 of what is signed (SPEC 20.1). */
void rota_approval_digest(const struct rota_approval *a, uint8_t out[static ROTA_DIGEST_LEN]);

/* Refused: spelling, member. */
ROTA_MUST_USE enum rota_err rota_approval_parse(
	struct rota_span text, struct rota_approval *out, struct rota_fail *why);
void rota_approval_write(const struct rota_approval *a, struct rota_bytes *out);

/* Whether it counts for this ask under this rule now; *officer is who. Refused: replay (another ask), expired (or more than
 * ROTA_APPROVAL_AHEAD_S ahead), approver (no officer of the rule, or the signature does not verify). */
ROTA_MUST_USE enum rota_err rota_approval_check(const struct rota_policy *p,
	const struct rota_rule *rule, const struct rota_approval *a,
	const uint8_t ask[static ROTA_DIGEST_LEN], uint64_t now,
	const struct rota_officer **officer, struct rota_fail *why);

/* Several at once: as many yeses of distinct officers as the rule takes, and no refusal. Refused as above; approvals. */
ROTA_MUST_USE enum rota_err rota_approvals_check(const struct rota_policy *p,
	const struct rota_rule *rule, const struct rota_approval *all, size_t count,
	const uint8_t ask[static ROTA_DIGEST_LEN], uint64_t now, struct rota_fail *why);

#endif
