/* SPDX-License-Identifier: Apache-2.0 */
/* host/log/carry.h -- from where the log's writer publishes to where everybody reads (SPEC 22.6).
 *
 * The log's own processes have no network, and whoever serves the repository does not write the log. In between stands
 * the one who publishes: tiles are copied, witnesses asked, proofs of releases written, and last the checkpoint with all its
 * signatures. What was published once is the beginning of what is published next, or nothing is: a log that
 * went back or forked stays where it was.
 *
 * Each file is whole and durable before the next that needs it; a run that was cut off is repaired by the next.
 */
#ifndef HOST_LOG_CARRY_H
#define HOST_LOG_CARRY_H

#include "host/log/cosign.h"
#include "host/log/prove.h"

struct rota_carry {
	const struct rota_crypto *crypto;
	const char *from; /* directory: the log writer's DIR/public */
	const char *to; /* directory: `log` below the repository; made when it is not there */
	const struct rota_log_policy *policy;
	struct rota_cosign_watcher watcher;
	uint64_t least; /* entries that the checkpoint must cover; it is waited for */
	unsigned wait_s;
};

struct rota_carried {
	uint64_t size; /* of the checkpoint that is published now */
	unsigned witnesses; /* of those that count, on it */
};

/* The program called curl_global_init(). Each of `wanted` that the log has gets its proof; `found` says which.
 *
 * ROTA_ERR_TIMEOUT     the log's checkpoint does not come to cover `least` entries
 * ROTA_ERR_THRESHOLD   too few witnesses: the published checkpoint stays as it was, and there are no new proofs
 * ROTA_ERR_CORRUPT     the log is not the one of which a checkpoint was published: it forked, or went back
 * and those of a checkpoint (rota_log_policy_open()), of tiles, of the file system. */
ROTA_MUST_USE enum rota_err rota_log_carry(const struct rota_carry *carry,
	struct rota_log_wanted *wanted, size_t count, struct rota_carried *out,
	struct rota_fail *why);

#endif
