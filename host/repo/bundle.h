/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/bundle.h -- the file that is carried between the connected machine and the offline signers (SPEC 14).
 *
 * It holds what is to be signed, the files that count now, and the signatures so far. Reading it is strict, since
 * it is read on the most precious machine: bytes go through the device's own scanner before anything else sees
 * them, and an object with a member that is not known here is refused. What it says is believed by nobody before
 * host/repo/bundle_view.h has verified it.
 */
#ifndef HOST_REPO_BUNDLE_H
#define HOST_REPO_BUNDLE_H

#include "host/base/digest.h"
#include "host/base/json.h"

/* A role file as it is and as it will be, of the longest that a device reads (SPEC 4.8), and the roots. */
#define ROTA_BUNDLE_MAX (64 * 1024 * 1024)
/* As many root updates as a client to the letter takes in one session (SPEC 4.9). */
#define ROTA_BUNDLE_ROOTS_MAX 4096
/* Roles, and bins of a role that one release touches: two for each of its files. */
#define ROTA_BUNDLE_PARTS_MAX 64
/* Files to be read by the signer; more is not read by anybody. */
#define ROTA_BUNDLE_FILES_MAX 256
#define ROTA_BUNDLE_FILE_MAX 65536 /* as release.json (SPEC 7.1) */

struct rota_bundle {
	json_t *whole; /* owns all below */
	const char *anchor; /* SHA-256 of root 1, hex: whose repository this is */
	const char *product;
	json_t *roots; /* list of root files, version 2 to the newest */
	json_t *targets; /* file of top-level targets that counts now */
	json_t *files; /* target path to text */
	json_t *parts; /* list, see rota_bundle_part() */
};

struct rota_bundle_part {
	const char *role;
	json_t *current; /* the role's file that counts now */
	json_t *content; /* `signed` of the next one */
	json_t *signatures; /* over it, so far */
};

/* Read the bytes. ROTA_ERR_FORMAT: not the spelling of SPEC 2, or not the form of SPEC 14.1. ROTA_ERR_LIMIT:
 * longer or more than SPEC 14.1 allows. ROTA_ERR_UNSUPPORTED: another format. */
ROTA_MUST_USE enum rota_err rota_bundle_parse(
	struct rota_span text, struct rota_bundle *out, struct rota_fail *why);
void rota_bundle_free(struct rota_bundle *b);

/* A file; the error names the path. Saving replaces it as a whole. */
ROTA_MUST_USE enum rota_err rota_bundle_load(
	const char *path, struct rota_bundle *out, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_bundle_save(
	const struct rota_bundle *b, const char *path, struct rota_fail *why);

/* Part `n`, borrowed; false behind the last. */
bool rota_bundle_part(const struct rota_bundle *b, size_t n, struct rota_bundle_part *out);

/* Take over the signatures of another copy of this bundle. ROTA_ERR_HASH: it is no copy, something beside the
 * signatures differs. */
ROTA_MUST_USE enum rota_err rota_bundle_merge(
	struct rota_bundle *to, const struct rota_bundle *from, struct rota_fail *why);

#endif
