/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/verify.h -- walk a repository as a client would and look at every file that counts.
 *
 * Roots from the anchor on, each signed by its predecessor's threshold and its own; timestamp, snapshot,
 * targets, each delegated role, each of its bins: signatures, thresholds, versions, lengths, digests, expiry; each
 * target: path against its delegation and bin, length, digest. Nothing stops at the first finding unless what
 * follows could not be believed.
 */
#ifndef HOST_REPO_VERIFY_H
#define HOST_REPO_VERIFY_H

#include "host/base/digest.h"
#include "host/base/json.h"

/* What a role comes to, its bins included. */
struct rota_verify_sum {
	const char *role; /* or "root-hint"; valid during the call */
	uint64_t files; /* of metadata that were looked at */
	uint64_t targets, bytes; /* that it may list, and does */
	uint64_t bad; /* findings */
};

struct rota_verify_sink {
	void *ctx;
	/* One finding: a check that held, or one line of what is wrong. */
	void (*say)(void *ctx, bool good, const char *text);
	/* After the last finding of a role; may be NULL. */
	void (*sum)(void *ctx, const struct rota_verify_sum *sum);
};

struct rota_verify_plan {
	const char *repo; /* the directory above metadata/ */
	const char *staging; /* that above targets/ci; NULL or "": the same */
	const char
		*anchor; /* a root file that is trusted; NULL: the lowest root of the repository */
	uint64_t now;
	bool metadata_only; /* do not read targets, nor look for what nothing lists */
	const struct rota_progress *progress; /* counts role files; or NULL */
};

struct rota_verify_result {
	uint64_t good, bad;
	uint64_t targets; /* listed */
	uint64_t strays,
		stray_bytes; /* files that the current snapshot does not reach: no finding, see gc.h */
};

/* The counts tell; an error is only for what kept it from looking. Memory: the snapshot, one role file or bin at a
 * time, and 16 bytes for each target. */
ROTA_MUST_USE enum rota_err rota_repo_verify(const struct rota_verify_plan *plan,
	const struct rota_verify_sink *sink, struct rota_verify_result *out, struct rota_fail *why);

#endif
