/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/approval.h"
#include "host/notary/refusal.h"
#include "host/sign/p256.h"

#include <string.h>

enum rota_err rota_approval_check(const struct rota_policy *p, const struct rota_rule *rule,
	const struct rota_approval *a, const uint8_t ask[static ROTA_DIGEST_LEN], uint64_t now,
	const struct rota_officer **officer, struct rota_fail *why)
{
	uint8_t digest[ROTA_DIGEST_LEN];

	*officer = rota_policy_officer(p, a->key);
	if (!*officer || !rota_policy_approves(rule, (*officer)->name))
		return rota_refuse(why, ROTA_REFUSED_APPROVER,
			"the approval's key is of no officer who approves [rule %s]", rule->name);
	if (memcmp(a->ask, ask, ROTA_DIGEST_LEN) != 0)
		return rota_refuse(why, ROTA_REFUSED_REPLAY,
			"%s approved another request; an approval counts for one",
			(*officer)->name);
	if (now >= a->expires_s || a->expires_s - now > ROTA_APPROVAL_AHEAD_S)
		return rota_refuse(why, ROTA_REFUSED_EXPIRED,
			"the approval of %s has expired, or counts for more than 7 days",
			(*officer)->name);
	rota_approval_digest(a, digest);
	if (!rota_p256_verify((*officer)->key, digest, a->sig))
		return rota_refuse(why, ROTA_REFUSED_APPROVER, "the approval of %s does not verify",
			(*officer)->name);
	return ROTA_OK;
}

enum rota_err rota_approvals_check(const struct rota_policy *p, const struct rota_rule *rule,
	const struct rota_approval *all, size_t count, const uint8_t ask[static ROTA_DIGEST_LEN],
	uint64_t now, struct rota_fail *why)
{
	const struct rota_officer *officer;
	unsigned have = 0;

	for (size_t i = 0; i < count; i++) {
		bool again = false;

		ROTA_TRY(rota_approval_check(p, rule, &all[i], ask, now, &officer, why));
		if (all[i].refuse)
			return rota_refuse(
				why, ROTA_REFUSED_APPROVALS, "%s said no", officer->name);
		for (size_t k = 0; k < i; k++)
			again |= memcmp(all[k].key, all[i].key, ROTA_DIGEST_LEN) == 0;
		have += !again;
	}
	if (have >= rule->approvals)
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_APPROVALS,
		"[rule %s] takes the approval of %u officers, %u gave theirs", rule->name,
		rule->approvals, have);
}
