/* SPDX-License-Identifier: Apache-2.0 */
/* host/promote/promotion.h -- from ci to production: the same image digests, one signature more (SPEC 26.6, 26.7).
 *
 * A promotion is a folder that is carried:
 *
 *     promotion.json     the statement: which ci release, which images by their digests
 *     FILE               each image, as ci has it
 *     provenance.jsonl   where the ci release has one: who built that
 *     approvals          lines: officers' approvals (20.1) of the statement's SHA-256
 *     production/FILE    in the end, each image with the production key's signature too
 *
 * It is made where the repository is, approved where people are, signed where the image token is. Nobody believes the one
 * before: digests are computed from the files at each of the three.
 */
#ifndef HOST_PROMOTE_PROMOTION_H
#define HOST_PROMOTE_PROMOTION_H

#include "host/notary/approval.h"
#include "host/repo/metadata.h"

#define ROTA_PROMOTION_MAX 65536 /* as release.json (SPEC 7.1), whose components it repeats */

struct rota_promotion {
	json_t *statement; /* owned */
	uint8_t digest[ROTA_DIGEST_LEN]; /* SHA-256 of its text: what is approved */
};

/* Take the ci release of `version` out of the repository into the new folder `out`, verified from the anchor on. Where
 * rota.ini demands builders, they must agree (SPEC 26.5). ROTA_ERR_NOT_FOUND: role ci lists no such release.
 * ROTA_ERR_UNSUPPORTED: a component is no image. ROTA_ERR_HASH: a file is not what ci lists. */
ROTA_MUST_USE enum rota_err rota_promotion_make(const struct rota_authdir *dir, const char *version,
	const struct rota_crypto *crypto, const char *out, struct rota_fail *why);

/* Read the statement of a folder, and compare it with the files beside it. The caller decrefs out->statement.
 * ROTA_ERR_FORMAT, ROTA_ERR_PRODUCT: another than rota.ini's. ROTA_ERR_HASH. */
ROTA_MUST_USE enum rota_err rota_promotion_open(const struct rota_authdir *dir, const char *folder,
	const struct rota_crypto *crypto, struct rota_promotion *out, struct rota_fail *why);

/* Append an approval to the folder. */
ROTA_MUST_USE enum rota_err rota_promotion_approve(
	const char *folder, const struct rota_approval *approval, struct rota_fail *why);

/* As many distinct officers of rota.ini as [role releases] has for threshold approved, none refused, and nothing of that has
 * run out. ROTA_ERR_THRESHOLD; ROTA_ERR_DENIED: one refused. */
ROTA_MUST_USE enum rota_err rota_promotion_check(const struct rota_authdir *dir, const char *folder,
	const struct rota_promotion *promotion, uint64_t now, struct rota_fail *why);

/* The same check, then one signature more of the first image key for each image, into FOLDER/production. */
ROTA_MUST_USE enum rota_err rota_promotion_sign(struct rota_desk *desk, const char *folder,
	const struct rota_crypto *crypto, struct rota_fail *why);

#endif
