/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/bundle_view.h -- a bundle after it was verified from a root that is trusted here (SPEC 14.2 to 14.5).
 *
 * The anchor is this machine's own trust/root.json, never a file of the bundle. From it the chain of roots is walked,
 * then top-level targets, then of each part the file that counts now; what shall be signed is judged by
 * host/repo/bundle_judge.h; and each signature that the bundle brings must verify. Whoever shows, signs or imports
 * works on the view alone, and `now` of an item is the very object whose canonical bytes are signed.
 */
#ifndef HOST_REPO_BUNDLE_VIEW_H
#define HOST_REPO_BUNDLE_VIEW_H

#include "host/repo/bundle.h"
#include "host/repo/chain.h"
#include "host/sign/authdir.h"
#include "host/sign/duty.h"

struct rota_bundle_item {
	const char *role; /* or one of its hash bins (SPEC 3.7) */
	const struct rota_duty *duty; /* of the role itself */
	json_t *was; /* `signed` of the file that counts now, verified; owned */
	uint8_t was_digest[ROTA_DIGEST_LEN]; /* of its canonical bytes */
	json_t *now; /* what is to be signed; the bundle's */
	uint8_t digest[ROTA_DIGEST_LEN]; /* of those of `now` */
	json_t *signatures; /* the bundle's, each of them good; signing appends */
	struct rota_delegation who[2]; /* each threshold must be met: two for root (TUF 5.3.4) */
	size_t who_count;
};

struct rota_bundle_view {
	const struct rota_bundle *bundle;
	json_t *root; /* `signed` of the newest root */
	json_t *targets; /* `signed` of top-level targets as they count now */
	struct rota_bundle_item items[ROTA_BUNDLE_PARTS_MAX];
	size_t count;
};

/* From where to verify: the bundle's own chain on a machine without a repository, the repository's where there is
 * one. */
struct rota_bundle_base {
	const json_t *roots; /* root files after the first, ascending */
	const json_t *targets; /* file of top-level targets */
};

/* Whether the bundle says that it is of this machine's repository and product: a courtesy, for what is wrong to be
 * said plainly; what counts is what verifies. ROTA_ERR_HASH, ROTA_ERR_PRODUCT: it is another's. */
ROTA_MUST_USE enum rota_err rota_bundle_is_ours(
	const struct rota_authdir *dir, const struct rota_bundle *bundle, struct rota_fail *why);

/* Verify and judge. The bundle must outlive the view. `now` is the machine's time.
 * As rota_bundle_is_ours(); ROTA_ERR_SIGNATURE: a signature of the
 * bundle does not verify, or its key may not sign. Else as chain and judge. */
ROTA_MUST_USE enum rota_err rota_bundle_view_open(const struct rota_authdir *dir,
	const struct rota_bundle *bundle, const struct rota_bundle_base *base, uint64_t now,
	struct rota_bundle_view *out, struct rota_fail *why);
void rota_bundle_view_close(struct rota_bundle_view *v);

/* The duty that a role, or one of its bins, is of; NULL when there is none. */
const struct rota_duty *rota_bundle_duty(const char *role);

/* Whether the item is a hash bin of its role. */
bool rota_bundle_is_bin(const struct rota_bundle_item *item);

/* Good signatures of distinct keys under who[n] of an item. */
unsigned rota_bundle_have(const struct rota_bundle_item *item, size_t n);

/* Whether each threshold of the item is met. */
bool rota_bundle_complete(const struct rota_bundle_item *item);

/* Whether the key with this id may sign the item. */
bool rota_bundle_may_sign(const struct rota_bundle_item *item, const char *keyid);

/* Whether it has signed. */
bool rota_bundle_has_signed(const struct rota_bundle_item *item, const char *keyid);

/* The item's file as it is published: its signatures and `now`. The caller frees. */
ROTA_MUST_USE enum rota_err rota_bundle_file(
	const struct rota_bundle_item *item, struct rota_bytes *file, struct rota_fail *why);

#endif
