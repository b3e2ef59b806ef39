/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/gate.h -- what the log writer takes from the parser: checks that hold though the parser was taken over.
 *
 * The parser judges; it also reads whatever anybody sends. So the log writer, which reads nothing but orders, enters only
 * what is signed by keys of whom the entry says, approved by officers where a rule asks for them (SPEC 20.4), of this time
 * and of a scope that there is, and readable by whoever reads the log next. A holder signs what was entered, nothing else.
 */
#ifndef APPS_ROTA_SIGND_GATE_H
#define APPS_ROTA_SIGND_GATE_H

#include "apps/rota-signd/message.h"
#include "apps/rota-signd/pending.h"
#include "apps/rota-signd/plan.h"
#include "host/notary/digestset.h"
#include "host/notary/revoked.h"

/* Zeroed, but for plan. */
struct gate {
	const struct plan *plan;
	uint32_t round; /* message.h */
	struct digestset approved; /* of what officers approved: message, key and version */
	struct digestset begun; /* digests of scopes of which a role's file was signed */
	struct rota_revocations revoked;
	struct pending pending; /* of nothing: to see whether a record can be read */
};

/* An entry that is there, as rota_log_config's `each`; ctx: the gate. */
ROTA_MUST_USE enum rota_err gate_remember(
	void *ctx, uint64_t index, const struct rota_leaf *leaf, struct rota_span record);

/* Whether an order may be entered. *ask: the request that officers approved, of rows the batch, or empty; taken when
 * it is looked at, but for a batch.
 * ROTA_ERR_STATE: judged after what was not entered. ROTA_ERR_ARGUMENT: an order that no parser of ours sends. Others as
 * rota_vouch(). */
ROTA_MUST_USE enum rota_err gate_pass(struct gate *g, const struct signd_order *order,
	const struct rota_leaf *leaf, struct rota_span record, struct rota_bytes *ask,
	struct rota_fail *why);

/* The entry is durable: what is judged after it goes by it. ROTA_ERR_FORMAT: not one that gate_pass() took. */
ROTA_MUST_USE enum rota_err gate_taken(
	struct gate *g, const struct rota_leaf *leaf, struct rota_span record);

/* Whether what is judged after this entry must wait until it is taken. */
bool gate_matters(const struct rota_leaf *leaf);

/* Whether the entry is of the signature of a file; scope: digest of whose. Once that is durable, nothing of the scope is adopted
 * any more. */
bool gate_begins(const struct rota_leaf *leaf, uint8_t scope[static ROTA_DIGEST_LEN]);
void gate_begun(struct gate *g, const uint8_t scope[static ROTA_DIGEST_LEN]);

void gate_free(struct gate *g);

#endif
