/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/publish.h -- make what was signed count: staged roles and bins, then snapshot, then timestamp.
 *
 * Order is the whole of it: targets stand already, role files come before the snapshot that names them, and
 * timestamp.json, renamed last, is the one file that changes. Each file is durable before the next is begun. An
 * interrupted run leaves clients with the old state and is repaired by running again.
 *
 * What did not change is not read: a snapshot begins as the one before it, as the authority remembers that, and
 * what was staged takes its place there. A name that was listed once stays listed (TUF 5.5.5). Online roles that have used up a third of their lifetime are signed
 * anew on the way; offline ones are only reported.
 *
 * What `releases` newly lists has its entry in the signing log first, where there is one; where the log is published, its
 * files and proofs stand before the snapshot that lists what they prove.
 *
 * Within a series of online keys (SPEC 23) snapshot and timestamp are signed by the slots whose turn it is, and the roots that
 * have begun are published: after the timestamp where the newest published root still signs, since then nobody meets a root
 * without its timestamp, else before it.
 */
#ifndef HOST_REPO_PUBLISH_H
#define HOST_REPO_PUBLISH_H

#include "host/repo/metadata.h"
#include "host/sign/duty.h"

struct rota_publish_role {
	const char *name;
	uint64_t version;
	bool published; /* this run brought a new version */
	bool resigned; /* because of its age, or because all were asked for */
	bool held; /* what is staged stays there: plan->log failed (of `releases`) */
	/* ROTA_OK, or why it was not signed anew: officers have not approved it, its keys are about to change. What stands stays, and
	 * nobody waits with it: the others have a freshness to keep. */
	struct rota_fail late;
	unsigned bins; /* that this run brought */
};

/* A signing log that has to have each release before it counts (SPEC 22.6). */
struct rota_publish_log {
	void *ctx;
	/* Bring the log into the repository, with all that the staged `releases` needs of it, and at least so many
	 * entries. An error holds `releases` back and nothing else: the others have a freshness to keep. */
	enum rota_err (*bring)(
		void *ctx, struct rota_desk *desk, uint64_t least, struct rota_fail *why);
};

struct rota_publish_plan {
	const struct rota_publish_log *log; /* NULL: none is kept */
	bool all; /* sign every online role anew, whatever its age */
	uint64_t lifetime_s[ROTA_DUTY_COUNT]; /* of rota_duties[i] this once; 0: as rota.ini says */
};

/* In the order of rota_duties. */
ROTA_MUST_USE enum rota_err rota_publish(struct rota_desk *desk,
	const struct rota_publish_plan *plan, struct rota_publish_role out[static ROTA_DUTY_COUNT],
	struct rota_fail *why);

#endif
