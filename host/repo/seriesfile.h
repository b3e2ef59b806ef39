/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/seriesfile.h -- a series on its way to the people of root and back: one file that is carried (SPEC 23.2).
 *
 * Its roots differ from the one before them in what rota_series_judge() lets them, so that a machine without network shows what
 * is common once and a line for each, and its people sign all of them at once. Trust begins at the machine's own
 * trust/root.json, as with a bundle (bundle_view.h).
 */
#ifndef HOST_REPO_SERIESFILE_H
#define HOST_REPO_SERIESFILE_H

#include "host/repo/metadata.h"

struct rota_seriesfile {
	json_t *whole; /* owned; what is saved */
	json_t *newest; /* `signed` of the newest published root, verified; owned once opened */
	json_t *before; /* of the root that the series follows: that one, or a landing root ahead of it; owned */
	json_t *roots; /* list of `signed`, each the very object of `whole`; owned */
};

/* Around these roots, which follow `before`. */
ROTA_MUST_USE enum rota_err rota_seriesfile_make(const struct rota_authdir *dir,
	const json_t *roots, struct rota_seriesfile *out, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_seriesfile_load(
	const char *path, struct rota_seriesfile *out, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_seriesfile_save(
	const struct rota_seriesfile *f, const char *path, struct rota_fail *why);
void rota_seriesfile_free(struct rota_seriesfile *f);

/* Verify the way to `before`, judge the series, and each signature that it has. ROTA_ERR_HASH, ROTA_ERR_PRODUCT: another
 * repository's. ROTA_ERR_SIGNATURE: one does not verify, or is of a key that may not sign root. Else as rota_chain_succeed() and
 * rota_series_judge(). */
ROTA_MUST_USE enum rota_err rota_seriesfile_open(const struct rota_authdir *dir,
	struct rota_seriesfile *f, uint64_t now, struct rota_fail *why);

/* Hold it against what this machine signed (SPEC 14.6). ROTA_ERR_STATE: another root of one of these versions, or one behind
 * the last, and not `again`. ROTA_ERR_VERSION: its newest published root is older than one that this machine has seen. */
ROTA_MUST_USE enum rota_err rota_seriesfile_check(const struct rota_authdir *dir,
	const struct rota_seriesfile *f, bool again, struct rota_fail *why);

/* Write first and last root into that record, durably. */
ROTA_MUST_USE enum rota_err rota_seriesfile_remember(const struct rota_authdir *dir,
	const struct rota_seriesfile *f, uint64_t now, struct rota_fail *why);

/* The tokens at hand add theirs to every root, until the threshold is met; first and last root are in the record before.
 * *keys: of how many. */
ROTA_MUST_USE enum rota_err rota_seriesfile_sign(
	struct rota_desk *desk, struct rota_seriesfile *f, unsigned *keys, struct rota_fail *why);

/* Whether each root has the threshold. */
bool rota_seriesfile_complete(const struct rota_seriesfile *f);

/* Signatures of a copy of the same series go to `to`. ROTA_ERR_HASH: it is another. */
ROTA_MUST_USE enum rota_err rota_seriesfile_merge(
	struct rota_seriesfile *to, const struct rota_seriesfile *from, struct rota_fail *why);

#endif
