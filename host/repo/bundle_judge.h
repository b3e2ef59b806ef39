/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/bundle_judge.h -- may an offline role sign this after that? (SPEC 14.3, 14.4)
 *
 * The judge sees the very object that is signed. Each of its members is known, and each is one that the signer is
 * shown (host/repo/bundle_diff.h): what nobody would look at has no place in it. What the role may not change
 * (other roles' paths, thresholds that this machine's rota.ini does not name, a release that was signed before)
 * is refused, whoever asks for it.
 */
#ifndef HOST_REPO_BUNDLE_JUDGE_H
#define HOST_REPO_BUNDLE_JUDGE_H

#include "host/repo/bundle_view.h"

/* ROTA_ERR_ROLE: not a role that people sign offline, nor a bin of one. */
ROTA_MUST_USE enum rota_err rota_bundle_judge_role(
	const struct rota_authdir *dir, const struct rota_bundle_item *item, struct rota_fail *why);

/* `item` has role, duty, was, now and who; `owner` is the item of the role itself, the same one unless `item` is a
 * bin. ROTA_ERR_ROLE: more than the role may say.
 * ROTA_ERR_VERSION: not the next version. ROTA_ERR_TIME, ROTA_ERR_EXPIRED: its times. ROTA_ERR_THRESHOLD: not the
 * thresholds of rota.ini. ROTA_ERR_FORMAT: an unknown or malformed member. */
ROTA_MUST_USE enum rota_err rota_bundle_judge(const struct rota_authdir *dir,
	const struct rota_bundle_item *owner, const struct rota_bundle_item *item, uint64_t now,
	struct rota_fail *why);

/* The texts that the bundle carries are those of targets that are new in it, all that a signer must read are
 * there, and each new release says what a device accepts and what the role lists. */
ROTA_MUST_USE enum rota_err rota_bundle_judge_files(
	const struct rota_bundle_view *view, struct rota_fail *why);

#endif
