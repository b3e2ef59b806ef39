/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/store.h -- the repository as files (SPEC 3.1), and the staging place before it.
 *
 *     REPO/metadata/N.ROLE.json, REPO/metadata/timestamp.json, REPO/targets/DIR/HASH.NAME
 *     CI/targets/ci/DIR/HASH.NAME  where [repository] staging = CI: builds that are for devices of channel ci alone
 *     DIR/staging/N.ROLE.json      signed and not yet published
 *     DIR/trust/N.snapshot.json, DIR/trust/N.timestamp.json   the last ones that were signed
 *
 * A role file is signed into staging; publishing copies it into metadata, and only a new snapshot and
 * timestamp make it count. Target files are named by their digest, so they go to their place at once:
 * nobody asks for them before a published role lists them. A version is never written twice: the next one is
 * one above the highest in either place. The snapshot and timestamp that were signed last are remembered where
 * nobody who writes the repository can reach: their versions never begin again, and the next snapshot is made
 * from what the authority itself listed last.
 */
#ifndef HOST_REPO_STORE_H
#define HOST_REPO_STORE_H

#include "host/base/digest.h"
#include "host/base/file.h"
#include "host/base/json.h"
#include "host/sign/authdir.h"

/* Metadata versions fit a signed 53-bit integer of JSON; a role signed each second takes aeons. */
#define ROTA_STORE_VERSION_MAX 9007199254740991ULL

/* Create metadata/, targets/, recovery/ and the staging directory. */
ROTA_MUST_USE enum rota_err rota_store_make(const struct rota_authdir *dir, struct rota_fail *why);

/* The newest version of a role that is published, or (staged too) that exists; 0 when there is none. For
 * timestamp the version stands in the file. ROTA_ERR_HASH, ROTA_ERR_NOT_FOUND: of another role than root, the repository
 * has a version that was never made here, or lacks the listed one (host/repo/listed.h). */
ROTA_MUST_USE enum rota_err rota_store_newest(const struct rota_authdir *dir, const char *role,
	bool staged_too, uint64_t *version, struct rota_fail *why);

/* Whether the last file of this role is kept in DIR/trust: snapshot and timestamp. */
bool rota_store_remembers(const char *role);

/* Path of that version, wherever it lies. */
void rota_store_path(const struct rota_authdir *dir, const char *role, uint64_t version,
	bool staged, char out[static ROTA_FILE_PATH_MAX]);

/* The whole file of a version: the staged one before the published one, which others may have put there; of what
 * is remembered the published one first. ROTA_ERR_NOT_FOUND: neither. */
ROTA_MUST_USE enum rota_err rota_store_read(const struct rota_authdir *dir, const char *role,
	uint64_t version, struct rota_bytes *file, struct rota_fail *why);

/* The staged file, whatever is published. */
ROTA_MUST_USE enum rota_err rota_store_read_staged(const struct rota_authdir *dir, const char *role,
	uint64_t version, struct rota_bytes *file, struct rota_fail *why);

/* The same as an object, which the caller decrefs; not verified. */
ROTA_MUST_USE enum rota_err rota_store_envelope(const struct rota_authdir *dir, const char *role,
	uint64_t version, json_t **envelope, struct rota_fail *why);

/* That file, and its `signed`; the caller frees both. Verified (host/repo/trust.h), of that version, and the one that
 * was listed under it. */
ROTA_MUST_USE enum rota_err rota_store_verified(const struct rota_authdir *dir, const char *role,
	uint64_t version, struct rota_bytes *file, json_t **content, struct rota_fail *why);

/* The object `signed` of the newest version, staged ones included; the caller decrefs. As rota_store_verified(). */
ROTA_MUST_USE enum rota_err rota_store_signed(
	const struct rota_authdir *dir, const char *role, json_t **content, struct rota_fail *why);

/* The object `signed` of the snapshot or timestamp that this authority signed last, as it remembers it; NULL when it
 * remembers none (a directory made by an older release). The caller decrefs. */
ROTA_MUST_USE enum rota_err rota_store_remembered(
	const struct rota_authdir *dir, const char *role, json_t **content, struct rota_fail *why);

ROTA_MUST_USE enum rota_err rota_store_stage(const struct rota_authdir *dir, const char *role,
	uint64_t version, struct rota_span file, struct rota_fail *why);

/* Straight into metadata/: root, snapshot, timestamp. */
ROTA_MUST_USE enum rota_err rota_store_put(const struct rota_authdir *dir, const char *role,
	uint64_t version, struct rota_span file, struct rota_fail *why);

/* Copy the newest staged version of a role into metadata/. *moved: there was one. Safe to repeat. */
ROTA_MUST_USE enum rota_err rota_store_release(
	const struct rota_authdir *dir, const char *role, bool *moved, struct rota_fail *why);

/* Remove what a run that was killed left half-written in metadata, staging and trust. */
void rota_store_sweep(const struct rota_authdir *dir);

/* Remove staged versions up to the published one, after the timestamp that makes them count; of what is
 * remembered those below it. */
ROTA_MUST_USE enum rota_err rota_store_clean(
	const struct rota_authdir *dir, const char *role, struct rota_fail *why);

/* Remove every staged bin of a role: those that counted are published, the others are of bins that are no more. */
ROTA_MUST_USE enum rota_err rota_store_clean_bins(
	const struct rota_authdir *dir, const char *role, struct rota_fail *why);

/* A target, as a role file lists it (SPEC 3.6). */
struct rota_store_target {
	uint64_t len;
	uint8_t sha256[ROTA_DIGEST_LEN];
};

/* Put bytes, or a file (streamed), under targets/ for the target path `target`. */
ROTA_MUST_USE enum rota_err rota_store_put_target(const struct rota_authdir *dir,
	const char *target, struct rota_span data, struct rota_store_target *out,
	struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_store_copy_target(const struct rota_authdir *dir,
	const char *target, const char *from, const struct rota_progress *progress,
	struct rota_store_target *out, struct rota_fail *why);

/* The first half of rota_store_copy_target(): the bytes in a draft beside their place, which the caller commits to
 * rota_store_target_path(). On failure there is no draft. */
ROTA_MUST_USE enum rota_err rota_store_draft_target(const struct rota_authdir *dir,
	const char *target, const char *from, const struct rota_progress *progress,
	struct rota_draft *draft, struct rota_store_target *out, struct rota_fail *why);

/* Where that target lies. */
void rota_store_target_path(const struct rota_authdir *dir, const char *target,
	const uint8_t sha256[static ROTA_DIGEST_LEN], char out[static ROTA_FILE_PATH_MAX]);

/* {"hashes":{"sha256"},"length"}, to and from; false when `entry` has not both. */
json_t *rota_store_target_object(const struct rota_store_target *target);
bool rota_store_target_read(const json_t *entry, struct rota_store_target *out);

#endif
