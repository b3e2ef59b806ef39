/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/refusal.h -- why the notary does not sign: one word, one clause, one sentence (SPEC 18.6).
 *
 * Whoever refuses says so by rota_refuse(): `why` then holds "CODE: sentence", so the word travels with the error through
 * every caller, into the answer, the log and the sentence that a person reads. There is one test for each word.
 */
#ifndef HOST_NOTARY_REFUSAL_H
#define HOST_NOTARY_REFUSAL_H

#include "host/base/fail.h"

enum rota_refusal {
	ROTA_REFUSED_IDENTITY, /* nobody whom signd.ini knows */
	ROTA_REFUSED_KIND, /* a kind of request that there is not, or not for this client */
	ROTA_REFUSED_ROLE, /* a role that is not this client's, or not signed here */
	ROTA_REFUSED_PATH, /* a target outside the role's paths, or the rule's */
	ROTA_REFUSED_SPELLING, /* not the one spelling of SPEC 2 */
	ROTA_REFUSED_MEMBER, /* a member that is missing, malformed, or that we do not write */
	ROTA_REFUSED_VERSION, /* not the next version, sequence or stage */
	ROTA_REFUSED_VANISHED, /* what was listed is not any more */
	ROTA_REFUSED_LOWER, /* a listed version or a counter that falls */
	ROTA_REFUSED_BYTES, /* a digest of bytes that did not verify here */
	ROTA_REFUSED_PRODUCT, /* of another product, or for other hardware */
	ROTA_REFUSED_LIFETIME, /* lives longer than its role may */
	ROTA_REFUSED_TIME, /* issued ahead of the clock, before what it follows, or expired */
	ROTA_REFUSED_CEILING, /* wider or sooner than the release's signers allow */
	ROTA_REFUSED_WITHDRAWN, /* points to a release that was taken back */
	ROTA_REFUSED_REVOKED, /* a device or a certificate that is over */
	ROTA_REFUSED_SLOT, /* outside the slot of the root that names its keys */
	ROTA_REFUSED_RATE, /* too often */
	ROTA_REFUSED_EXPIRED, /* a request or an approval whose time is over */
	ROTA_REFUSED_REPLAY, /* asked or approved before, with other bytes or for good */
	ROTA_REFUSED_APPROVER, /* not an officer of the rule, or his signature does not verify */
	ROTA_REFUSED_APPROVALS, /* too few, or an officer said no */
	ROTA_REFUSED_TOKEN, /* the token is away */
	ROTA_REFUSED_LOG, /* the log cannot take it, or lacks what must stand there first */
	ROTA_REFUSAL_COUNT,
};

struct rota_refusal_row {
	const char *code, *clause;
	enum rota_err err;
};

extern const struct rota_refusal_row rota_refusals[ROTA_REFUSAL_COUNT];

/* "CODE: sentence" into `why`; gives the error of the row. */
enum rota_err rota_refuse(struct rota_fail *why, enum rota_refusal code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for a sentence that stands in `why` already; its error stays. One that has a code keeps it. */
enum rota_err rota_refuse_as(struct rota_fail *why, enum rota_refusal code);

/* The row that the sentence begins with, and what follows the code in *text; NULL, and the whole sentence: it is no
 * refusal but a failure of this machine. */
const struct rota_refusal_row *rota_refusal_of(const struct rota_fail *why, const char **text);

/* NULL when there is no such code. */
const struct rota_refusal_row *rota_refusal_find(const char *code);

#endif
