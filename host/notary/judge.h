/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/judge.h -- may this be signed after that? (SPEC 19.2, 19.3)
 *
 * The judge sees the request's own parsed body, what this daemon signed before (record.h), and the scope's repository, of
 * which it believes nothing that does not verify from the anchor, or has not the digest of something that did. It only
 * reads. Every refusal has its code (refusal.h) in front of the sentence; an error without one is a failure of this machine.
 *
 *     judge -> (approvals) -> judge again -> keep -> entry handed on -> taken -> entry durable -> settled -> signature
 */
#ifndef HOST_NOTARY_JUDGE_H
#define HOST_NOTARY_JUDGE_H

#include "host/notary/approval.h"
#include "host/notary/certify.h"
#include "host/notary/record.h"

struct rota_judge {
	const struct rota_policy *policy;
	struct rota_records *records;
	uint64_t now;
	const char *client; /* who asks: rota_policy_find()'s */
	const struct rota_approval *approvals; /* that the request has */
	size_t approval_count;
	const struct rota_certify
		*certify; /* of the request's scope; NULL: it issues no certificates */
};

/* What may be done. Spans and names point into the request and the policy. */
struct rota_grant {
	struct rota_leaf leaf; /* GRANTED, RELEASE ...; its key is for who knows the tokens' keys */
	const struct rota_seat *seat[ROTA_ANSWER_SIGS_MAX]; /* who signs leaf.message */
	uint8_t seats; /* 0: an entry alone */
	bool waits; /* for the rule's approvals: keep the request, grant nothing */
	bool again; /* the same bytes as last time: no text to keep, nothing to take in (SPEC 18.7) */
	struct rota_bytes tbs; /* kind `certificate`: what is signed; owned */
	struct rota_bytes batch; /* kind `rows`: items, as rows.h says; owned */
	uint64_t time_s; /* kind `time`: what is signed, for the answer */
	struct rota_bytes record; /* the private record; owned */
};

/* Judge one request under the rule that fits it. Nothing is changed. rota_grant_free() after success. */
ROTA_MUST_USE enum rota_err rota_judge_ask(struct rota_judge *j, const struct rota_rule *rule,
	const struct rota_ask *ask, struct rota_grant *out, struct rota_fail *why);

/* Make durable what must be before the entry: the text of a role's file. */
ROTA_MUST_USE enum rota_err rota_judge_keep(struct rota_judge *j, const struct rota_ask *ask,
	const struct rota_grant *grant, struct rota_fail *why);

/* The entry was handed on: later requests are judged after it. */
ROTA_MUST_USE enum rota_err rota_judge_taken(struct rota_judge *j, const struct rota_ask *ask,
	const struct rota_grant *grant, struct rota_fail *why);

/* The entry is durable: the text of the version before is of no more use. */
void rota_judge_settled(
	struct rota_judge *j, const struct rota_ask *ask, const struct rota_grant *grant);

void rota_grant_free(struct rota_grant *g);

/* The kind of entry (enum rota_leaf_kind) of an event of this name; 0: there is none. */
uint8_t rota_judge_event(const char *word);

#endif
