/* SPDX-License-Identifier: Apache-2.0 */
/* host/log/verify.h -- is a log what it says, from its first entry to its last? (SPEC 21.8)
 *
 * Streamed, without a server, and believing nothing but keys: each entry is read, each tile that stands there compared
 * with what the entries give, and the root with the checkpoint that the log (and its witnesses) signed. Earlier
 * checkpoints that somebody kept must be of beginnings of it. Where the journal is at hand, each entry is the one that
 * it has, and each private record that of its entry.
 *
 * Where something is wrong the first entry that can be named is named. A tile on its own path tells one; where tiles were
 * made anew to fit, only signed roots tell, and the entry named is the first after the last root that was right.
 */
#ifndef HOST_LOG_VERIFY_H
#define HOST_LOG_VERIFY_H

#include "host/base/feed.h"
#include "host/log/policy.h"
#include "host/log/tiles.h"

#define ROTA_AUDIT_HEADS_MAX 64 /* earlier checkpoints in one run */

struct rota_audit {
	const struct rota_crypto *crypto;
	const struct rota_tiles *files; /* what is published */
	const struct rota_log_policy *policy; /* whose signatures count */
	const char *journal; /* directory; NULL: not at hand */
	const char *const *heads; /* files with earlier checkpoints */
	size_t head_count; /* at most ROTA_AUDIT_HEADS_MAX */
	const struct rota_progress *progress; /* in entries; NULL: nobody looks */
};

struct rota_audit_report {
	uint64_t entries; /* of the checkpoint */
	uint64_t bad; /* the first that is wrong, after ROTA_ERR_HASH */
	unsigned witnesses; /* of those that count */
	uint8_t root[ROTA_SHA256_LEN];
};

/* ROTA_ERR_HASH       an entry was changed, removed, put in or moved: out->bad
 * ROTA_ERR_CORRUPT    two heads of one size, or an earlier one that this log does not begin with: a fork, or a log that
 *                     went back; or a journal that cannot be read
 * ROTA_ERR_SIGNATURE, ROTA_ERR_THRESHOLD, ROTA_ERR_ROLE, ROTA_ERR_FORMAT: of a checkpoint
 * ROTA_ERR_LIMIT: too many heads. ROTA_ERR_IO, ROTA_ERR_NOT_FOUND: of the checkpoint */
ROTA_MUST_USE enum rota_err rota_audit_verify(
	const struct rota_audit *audit, struct rota_audit_report *out, struct rota_fail *why);

#endif
