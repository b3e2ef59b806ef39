/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/verify.h -- walk a repository as a client would and look at every file that counts.
 *
 * Roots from the anchor on, each signed by its predecessor's threshold and its own; timestamp, snapshot,
 * targets, each delegated role: signatures, thresholds, versions, lengths, digests, expiry; each target: path
 * against its delegation, length, digest. Nothing stops at the first finding unless what follows could not be
 * believed.
 */
#ifndef HOST_REPO_VERIFY_H
#define HOST_REPO_VERIFY_H

#include "host/base/digest.h"
#include "host/base/json.h"

struct rota_verify_sink {
	void *ctx;
	/* One finding: a check that held, or one line of what is wrong. */
	void (*say)(void *ctx, bool good, const char *text);
};

struct rota_verify_result {
	unsigned good, bad;
};

/* repo: the directory above metadata/. anchor: a root file that is trusted (a device's trust/root.json);
 * NULL: the lowest root of the repository. The counts tell; an error is only for what kept it from looking. */
ROTA_MUST_USE enum rota_err rota_repo_verify(const char *repo, const char *anchor, uint64_t now,
	const struct rota_verify_sink *sink, struct rota_verify_result *out, struct rota_fail *why);

#endif
