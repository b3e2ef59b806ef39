/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/seal.h -- one tree of a campaign: an export of the registry and the books in; bundles, copies,
 * confirmation keys and the next book out (SPEC 32, 33, 37).
 *
 * Of each device that takes part 32 bytes are drawn; they are sealed to its agree key, kept under the campaign key, and
 * what confirms them is written for the server. The files are made in `dir` under names that end in `.part`, a chunk of
 * 1,024 devices at a time, and get their names when all of them are whole and durable:
 *
 *     ID.TREE.keys     bundles, tree and proofs (33.4)       for the server
 *     ID.TREE.confirm  confirmation keys (37.3)              for the server
 *     ID.TREE.copies   secrets under the campaign key (37.2) for the back end
 *     ID.TREE.sealed   what came of it: last, so who finds it finds all
 *     book.PURPOSE     in `books`: the psks of the next campaign (37.4)
 *
 * A *supplement* draws nothing for a device that an earlier tree of the campaign has: see earlier.h.
 *
 * *Cut off*, a run goes on where it was: chunks that were durable and noted (resume.h) stay, all others are made again
 * with new secrets, nonces and salts; all of them, where another export, another tree or another book of the factory came meanwhile.
 * Finished, it says what it said. Nothing is signed here.
 */
#ifndef HOST_CAMPAIGN_SEAL_H
#define HOST_CAMPAIGN_SEAL_H

#include "host/base/feed.h"
#include "host/campaign/index.h"
#include "rota/port/p256.h"
#include "rota/port/random.h"

struct rota_seal_plan {
	const char *dir, *books; /* folders, which are there */
	const char *
		next_books; /* folder where the next book goes; NULL: `books`. Another one for who rehearses */
	const char *export_path;
	const uint8_t *export_sha256; /* 32 bytes that the request names; NULL: a supplement tree */
	uint8_t campaign[32]; /* id: SHA-256 of the request */
	uint8_t product[ROTA_ROW_PRODUCT_LEN];
	uint8_t suite, purpose, cipher;
	bool emergency;
	uint16_t tree;
	uint32_t generation;
	uint64_t activation_s;
	uint32_t most; /* devices that were approved */
	unsigned threads;
	unsigned batch; /* chunks between two syncs, at most 64; 0: 64 */
	const struct rota_hmac *registry; /* begun */
	const uint8_t *book_key; /* unwrapped */
	const struct rota_sealer *hsm; /* wraps the campaign key */
	const struct rota_random *entropy; /* of the HSM */
	const struct rota_p256 *p256;
	const struct rota_crypto *crypto;
	const struct rota_aead *aead;
	const struct rota_progress *progress; /* devices; or NULL */
	void (*skip)(void *ctx, const uint8_t *device, enum rota_index_skip why); /* index.h */
	void *skip_ctx;
};

struct rota_seal_result {
	uint8_t root[32];
	uint32_t size; /* bundles */
	uint32_t kept; /* of them from an earlier run; all, where it had finished */
	uint32_t base; /* in base mode: they had no psk */
	uint32_t again; /* with the secret of an earlier tree */
	uint32_t skipped[ROTA_INDEX_SKIPS];
	uint64_t bytes; /* of bundles, copies and confirmation keys */
	bool nobody; /* ROTA_ERR_NOT_FOUND: the export is there, and none of its devices takes part */
};

/* ROTA_ERR_HASH: not the export that the request names. ROTA_ERR_CEILING: more devices, in all trees together, than were approved.
 * ROTA_ERR_STATE: it is not a supplement's turn. ROTA_ERR_NOT_FOUND: none of its devices takes part. ROTA_ERR_BUSY: another run is at it. Else the index's, the HSM's, the disk's. */
ROTA_MUST_USE enum rota_err rota_seal_run(
	const struct rota_seal_plan *plan, struct rota_seal_result *out, struct rota_fail *why);

#endif
