/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/earlier.h -- the trees that a campaign has already, for who makes a supplement of it (SPEC 32.6, 37.6).
 *
 * A device has one secret of a generation, whichever of its campaign's trees it takes it from: what proves it, what it seals with and
 * what the next bundle comes under follow from that secret, and server, back end and book know one of each. So who is in an earlier
 * tree is passed over, or gets that tree's secret again, out of its copies.
 *
 * Trees that are sealed do not change, so any thread may look into them.
 */
#ifndef HOST_CAMPAIGN_EARLIER_H
#define HOST_CAMPAIGN_EARLIER_H

#include "host/base/file.h"
#include "host/campaign/bundlefile.h"
#include "host/campaign/copies.h"
#include "host/campaign/keywrap.h"
#include "rota/codec/keys.h"

/* A sealed tree, open: DIR/ID.TREE.keys and .copies. Not to be moved. */
struct rota_earlier_tree {
	int keys_fd, copies_fd; /* -1: not open */
	struct rota_keyfile file;
	uint8_t head[ROTA_COPIES_HEAD_LEN];
	uint8_t wrapped[ROTA_KEYWRAP_FORM_LEN];
	uint8_t key
		[ROTA_KEYWRAP_KEY_LEN]; /* campaign key of its copies, after rota_earlier_unwrap() */
	char name[ROTA_FILE_PATH_MAX]; /* in sentences: DIR/ID.TREE */
};

struct rota_earlier {
	const struct rota_crypto *crypto;
	const struct rota_aead *aead;
	struct rota_earlier_tree *tree; /* ascending; NULL: none, as of tree 0 */
	unsigned count;
	uint64_t devices; /* of all of them together */
};

/* Where an earlier tree has a device. */
struct rota_earlier_place {
	const struct rota_earlier_tree *tree; /* NULL: none has it */
	uint32_t index;
	uint8_t bundle[ROTA_KEYBUNDLE_LEN];
};

/* All sealed trees of a campaign in `dir` before number `tree`. ROTA_ERR_STATE: `tree` is a supplement, and tree 0 is not sealed; or
 * a later one is sealed, and trees ascend. ROTA_ERR_CORRUPT, ROTA_ERR_FORMAT: one is damaged, or of another campaign.
 * Nothing is open then. */
ROTA_MUST_USE enum rota_err rota_earlier_open(struct rota_earlier *e, const char *dir,
	const uint8_t campaign[static 32], unsigned tree, const struct rota_crypto *crypto,
	const struct rota_aead *aead, struct rota_fail *why);
/* Wipes the keys. Safe on zeros. */
void rota_earlier_close(struct rota_earlier *e);

/* The highest of them that has this locator; out->tree NULL: none. */
ROTA_MUST_USE enum rota_err rota_earlier_find(const struct rota_earlier *e,
	const uint8_t locator[static ROTA_KEYBUNDLE_LOCATOR_LEN], struct rota_earlier_place *out,
	struct rota_fail *why);

/* The campaign keys of all of them, one question to the HSM each: before threads begin. */
ROTA_MUST_USE enum rota_err rota_earlier_unwrap(
	struct rota_earlier *e, const struct rota_sealer *hsm, struct rota_fail *why);

/* A chunk that a thread keeps for the next device of it; begins as zeros, and its owner wipes it. */
struct rota_earlier_chunk {
	const struct rota_earlier_tree *tree; /* NULL: none is kept */
	uint32_t chunk;
	uint8_t bytes[ROTA_COPIES_CHUNK_LEN];
};

/* The secret of the device in this place. The caller wipes it. */
ROTA_MUST_USE enum rota_err rota_earlier_secret(const struct rota_earlier *e,
	const struct rota_earlier_place *place, struct rota_earlier_chunk *kept,
	uint8_t secret[static ROTA_SECRET_LEN], struct rota_fail *why);

#endif
