/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/bundle_record.h -- what this machine signed, so that nobody makes it sign something older (SPEC 14.6).
 *
 * The offline machine sees only what is carried to it. What it remembers by itself is a file of lines, DIR/signed,
 * one per signed file: {"at","digest","role","root","targets","version"}, the digest that was signed, and
 * the versions of root and targets that stood above it. A line is durable before a token is asked to sign.
 */
#ifndef HOST_REPO_BUNDLE_RECORD_H
#define HOST_REPO_BUNDLE_RECORD_H

#include "host/repo/bundle_view.h"

/* Hold the view against the record. ROTA_ERR_VERSION: root, targets or a role is older than what this machine has
 * seen. ROTA_ERR_STATE: another file of that role and version was signed here before, and `again` does not
 * say that this is known. ROTA_ERR_CORRUPT: a line of the record is none. */
ROTA_MUST_USE enum rota_err rota_bundle_record_check(const struct rota_authdir *dir,
	const struct rota_bundle_view *view, bool again, struct rota_fail *why);

/* Remember that `item` is about to be signed. */
ROTA_MUST_USE enum rota_err rota_bundle_record_add(const struct rota_authdir *dir,
	const struct rota_bundle_view *view, const struct rota_bundle_item *item, uint64_t now,
	struct rota_fail *why);

/* Every line in turn. ROTA_ERR_CORRUPT as above, else what `each` gives. No record: none. */
ROTA_MUST_USE enum rota_err rota_bundle_record_each(const struct rota_authdir *dir,
	enum rota_err (*each)(void *ctx, const json_t *line, struct rota_fail *why), void *ctx,
	struct rota_fail *why);

/* One line, its members in this order. */
struct rota_bundle_signed {
	uint64_t at_s;
	uint8_t digest[ROTA_DIGEST_LEN];
	const char *role; /* "series" stands for the last root of one (SPEC 23.2) */
	uint64_t root, targets, version;
};
ROTA_MUST_USE enum rota_err rota_bundle_record_put(const struct rota_authdir *dir,
	const struct rota_bundle_signed *what, struct rota_fail *why);

#endif
