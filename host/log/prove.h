/* SPDX-License-Identifier: Apache-2.0 */
/* host/log/prove.h -- that a log has a release, for who has no log at hand (SPEC 22.3).
 *
 * A proof is made of the tiles and of a checkpoint that its log and witnesses signed, in two steps: the entries are
 * looked for, all in one walk, then each is proved. What the tiles say is only handed out if it proves what it shall.
 */
#ifndef HOST_LOG_PROVE_H
#define HOST_LOG_PROVE_H

#include "host/base/bytes.h"
#include "host/log/tiles.h"
#include "rota/codec/leaf.h"
#include "rota/codec/note.h"

/* A release.json, and the newest entry of it that a device takes. */
struct rota_log_wanted {
	const char *path;
	bool any; /* whatever its digest: that of the entry comes to stand there */
	uint8_t sha256[ROTA_SHA256_LEN];
	bool found;
	uint64_t index;
	uint8_t leaf[ROTA_LEAF_MAX];
	size_t leaf_len;
};

/* Among the first `size` entries. Errors are those of rota_log_walk(). */
ROTA_MUST_USE enum rota_err rota_log_find(const struct rota_tiles *files, uint64_t size,
	struct rota_log_wanted *wanted, size_t count, struct rota_fail *why);

/* The proof of one that was found; *out is the caller's. `note` is a checkpoint that was verified, `at` what it says: its
 * signatures go into the proof. ROTA_ERR_HASH: the tiles do not give its root. ROTA_ERR_LIMIT: too many cosignatures. */
ROTA_MUST_USE enum rota_err rota_log_prove(const struct rota_crypto *crypto,
	const struct rota_tiles *files, const struct rota_log_wanted *wanted, struct rota_span note,
	const struct rota_checkpoint *at, struct rota_bytes *out, struct rota_fail *why);

/* Write it to FOLDER/proofs/DIGEST.tlog-proof; *path is that, the caller's to free. */
ROTA_MUST_USE enum rota_err rota_log_proof_place(const char *folder,
	const struct rota_log_wanted *wanted, struct rota_span proof, char **path,
	struct rota_fail *why);

/* Where that is, below the log. */
#define ROTA_LOG_PROOF_PATH_MAX 96 /* proofs/, 64 digits, .tlog-proof */
void rota_log_proof_path(
	const uint8_t sha256[static ROTA_SHA256_LEN], char out[static ROTA_LOG_PROOF_PATH_MAX]);

#endif
