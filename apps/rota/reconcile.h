/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/reconcile.h -- what a key signed, as its token counted it, beside what the log has of it (SPEC 21.9). */
#ifndef APPS_ROTA_RECONCILE_H
#define APPS_ROTA_RECONCILE_H

#include "host/keys/keys.h"
#include "host/notary/policy.h"

/* A key of a token that counts. */
struct reconcile_row {
	const char *scope; /* of the policy */
	char token[ROTA_KEY_TOKEN_MAX + 1], label[ROTA_SIGNER_LABEL_MAX + 1];
	uint8_t id[ROTA_DIGEST_LEN]; /* zeros: the log's own */
	uint64_t before, after; /* entries GRANTED, when the log was read */
	uint64_t signatures;
	uint64_t failed; /* entries FAILED, which take nothing from the others */
	bool first; /* nothing was kept of it */
	uint64_t kept_entries, kept_signatures, kept_failed;
};

/* More signatures than entries since the last time, or fewer signatures than there were: a counter that was put back. */
bool reconcile_is_wrong(const struct reconcile_row *r);

/* Since the last time: {"entries","failed","first","good","key","product","signatures","token"}. */
json_t *reconcile_json(const struct reconcile_row *r);

/* Enter the rows into the log, RECONCILED, where a rule lets this user do it; else nothing is done, and *entered is false.
 * Errors as rota_client_ask() and rota_client_verdict(). */
ROTA_MUST_USE enum rota_err reconcile_enter(const struct rota_policy *policy,
	const struct reconcile_row *rows, size_t count, bool *entered, struct rota_fail *why);

#endif
