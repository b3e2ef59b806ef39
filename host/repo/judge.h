/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/judge.h -- what any signer refuses of a next file, whoever signs it: a person offline
 * (host/repo/bundle_judge.h) or the signing daemon (host/notary/judge.h) (SPEC 14.3, 14.4).
 *
 * Pure: objects in, a verdict out. Errors say which kind of wrong it is, so that each caller can name it its way.
 */
#ifndef HOST_REPO_JUDGE_H
#define HOST_REPO_JUDGE_H

#include "host/base/json.h"
#include "host/sign/duty.h"

/* How far a clock may be behind the one that issued (SPEC 4.5). */
#define ROTA_JUDGE_AHEAD_S 600

/* Text of a member; "" when it has none. */
const char *rota_judge_text(const json_t *object, const char *name);

/* ROTA_ERR_FORMAT with a sentence about the member `what`. */
enum rota_err rota_judge_wrong(struct rota_fail *why, const char *what);

/* _type, spec_version, and that the version is `next`. ROTA_ERR_FORMAT, ROTA_ERR_VERSION. */
ROTA_MUST_USE enum rota_err rota_judge_common(
	const json_t *now, const char *type, uint64_t next, struct rota_fail *why);

/* Issued not before `before_s`, when what it follows was issued (0: nothing), nor ahead of the clock; not expired.
 * ROTA_ERR_FORMAT, ROTA_ERR_TIME, ROTA_ERR_EXPIRED. */
ROTA_MUST_USE enum rota_err rota_judge_times(
	const json_t *now, uint64_t before_s, uint64_t clock, struct rota_fail *why);

/* ROTA_ERR_TIME: it would live longer than `lifetime_s`. ROTA_ERR_FORMAT. */
ROTA_MUST_USE enum rota_err rota_judge_lifetime(
	const json_t *now, const char *role, uint64_t lifetime_s, struct rota_fail *why);

/* One target of a delegated role, `old` as it was listed before, or NULL. ROTA_ERR_FORMAT; ROTA_ERR_ROLE: not one of the
 * role's paths; ROTA_ERR_HASH: a release that was listed is never changed. */
ROTA_MUST_USE enum rota_err rota_judge_target(const struct rota_duty *duty, const char *path,
	const json_t *old, const json_t *entry, struct rota_fail *why);

/* Whether a signer reads the file of a target: release.json, and everything small that is not an artifact. */
bool rota_judge_is_read(const struct rota_duty *duty, const char *path);

/* What a role lists, over its own file and all of its bins. */
struct rota_judge_list {
	const void *ctx;
	const json_t *(*find)(const void *ctx, const char *path); /* entry, or NULL */
};

/* A text is the listed one, in the one spelling, and what a device accepts of this role; each file that a release names
 * is listed. `text` NULL: nobody brought it. ROTA_ERR_NOT_FOUND, ROTA_ERR_HASH, ROTA_ERR_PRODUCT, else as the device's
 * decoder. */
ROTA_MUST_USE enum rota_err rota_judge_file(const struct rota_duty *duty, const char *path,
	const json_t *entry, const json_t *text, const struct rota_judge_list *list,
	struct rota_fail *why);

#endif
