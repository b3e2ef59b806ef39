/* SPDX-License-Identifier: Apache-2.0 */
/* host/log/cosigner.h -- what a witness decides: does this checkpoint continue what was cosigned before? (SPEC 22.2)
 *
 * A request is that of C2SP tlog-witness:
 *
 *     old N
 *     BASE64                    hashes of the consistency proof from N, at most ROTA_COSIGNER_PROOF_MAX
 *
 *     checkpoint
 *
 * What is cosigned is first in the state, which is replaced durably: a file with a line `ORIGIN SIZE HEX` for each log. A
 * state that went back would let the witness cosign a second history; whoever keeps it keeps it like a key.
 *
 * One thread.
 */
#ifndef HOST_LOG_COSIGNER_H
#define HOST_LOG_COSIGNER_H

#include "host/log/policy.h"

#define ROTA_COSIGNER_BODY_MAX                                                                     \
	16384 /* bytes of a request: 63 hashes, a checkpoint, 16 lines, twice */
#define ROTA_COSIGNER_PROOF_MAX 63 /* C2SP: of trees of up to 2^62 leaves */

struct rota_cosigner_config {
	const struct rota_crypto *crypto;
	const struct rota_log_policy *logs; /* whose checkpoints are cosigned */
	struct rota_note_key own; /* of the kind WITNESS_P256 */
	const char *state; /* its file, made at the first checkpoint */
	void *ctx;
	/* r || s over this digest with the witness's key. */
	enum rota_err (*sign)(void *ctx, const uint8_t digest[static ROTA_SHA256_LEN],
		uint8_t sig[static ROTA_P256_SIG_LEN], struct rota_fail *why);
};

/* Statuses of HTTP, as C2SP gives them. */
enum rota_cosigner_status {
	ROTA_COSIGNER_OK = 200, /* body: the signature line */
	ROTA_COSIGNER_MALFORMED = 400, /* or `old` above the checkpoint's size */
	ROTA_COSIGNER_UNSIGNED = 403, /* no signature of that log's key, or a bad one */
	ROTA_COSIGNER_UNKNOWN = 404, /* a log that nobody named */
	ROTA_COSIGNER_CONFLICT =
		409, /* `old` is not the size cosigned last, which is the body; or another root */
	ROTA_COSIGNER_INCONSISTENT = 422, /* the proof proves nothing */
	ROTA_COSIGNER_FAILED = 500, /* disk or token; nothing was cosigned */
};

struct rota_cosigner;

/* *config and what it points to stay in use. ROTA_ERR_FORMAT: the state is damaged; ROTA_ERR_IO. */
ROTA_MUST_USE enum rota_err rota_cosigner_open(const struct rota_cosigner_config *config,
	struct rota_cosigner **out, struct rota_fail *why);

/* Answer a request at `now` (Unix seconds); *body is the caller's. Where it is not OK or CONFLICT, it says why, as does
 * *why. A checkpoint that is refused with another root than before, or proves nothing, is worth a person's look:
 * *alarm. */
enum rota_cosigner_status rota_cosigner_add(struct rota_cosigner *c, struct rota_span request,
	uint64_t now, struct rota_bytes *body, bool *alarm, struct rota_fail *why);

/* NULL is allowed. */
void rota_cosigner_close(struct rota_cosigner *c);

#endif
