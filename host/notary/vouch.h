/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/vouch.h -- what the log writer checks for itself before it writes GRANTED and hands a message on (SPEC 20.4).
 *
 * Who parses requests may be taken over; he could then have online keys sign what he likes. Not those of a rule that takes
 * approvals: the writer has the same signd.ini, reads the very request that officers approved, and hands on nothing but
 * what stands in it.
 */
#ifndef HOST_NOTARY_VOUCH_H
#define HOST_NOTARY_VOUCH_H

#include "host/notary/approval.h"
#include "rota/codec/leaf.h"

/* Whether it is asked at all: the leaf is a grant or an event, of keys or a role that a rule with approvals is for. */
bool rota_vouch_needed(const struct rota_policy *p, const struct rota_leaf *leaf);

/* Whether a leaf GRANTED, or of an event, with this private record may be written. `ask` are the request's bytes, asked for
 * only where the rule that the record names takes approvals; taken, also on failure; empty where there are none.
 * Refused: role (no rule of that name fits scope, role and kind), approvals, bytes (the leaf is not of what was
 * approved), else as rota_approvals_check(). ROTA_ERR_FORMAT: no private record of ours. */
ROTA_MUST_USE enum rota_err rota_vouch(const struct rota_policy *p, const struct rota_leaf *leaf,
	struct rota_span record, struct rota_bytes ask, uint64_t now, struct rota_fail *why);

#endif
