/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/keyanswer.h -- the answer that brings a key bundle, with the proof of its place in a tree (SPEC 33.6).
 *
 *     "ROTABNR" || 1 || tree (u16) || count (u8) || 0 || size of the tree (u32) || nonce (32) || bundle (151) ||
 *     count x hash (32)
 *
 * Fed in pieces of any size; the walk to the root goes on as the hashes come, so that one of them is kept and not 24.
 * What comes out is a bundle and a root that nobody has vouched for: who reads one then looks for exactly (campaign,
 * tree, size, root) in the file that the role signed, rota_keyroot_begin() in rota/trust/keybind.h, and opens the bundle
 * only where it stands there. Tree and size are no more than hints until then.
 */
#ifndef ROTA_TRUST_KEYANSWER_H
#define ROTA_TRUST_KEYANSWER_H

#include "rota/codec/keybundle.h"
#include "rota/crypto/merkle.h"

#define ROTA_KEYANSWER_HEAD_LEN 48
#define ROTA_KEYANSWER_NONCE_LEN 32
#define ROTA_KEYANSWER_MAX                                                                         \
	(ROTA_KEYANSWER_HEAD_LEN + ROTA_KEYBUNDLE_LEN + ROTA_KEYBUNDLE_PROOF_MAX * ROTA_SHA256_LEN)

/* What stands in front of the bundle. */
struct rota_keyanswer_head {
	uint16_t tree;
	uint8_t count; /* hashes of the proof, at most ROTA_KEYBUNDLE_PROOF_MAX */
	uint32_t size; /* of the tree, from 1 */
	uint8_t nonce[ROTA_KEYANSWER_NONCE_LEN]; /* for the proof of possession (SPEC 35.2) */
};

void rota_keyanswer_head_encode(
	const struct rota_keyanswer_head *h, uint8_t out[static ROTA_KEYANSWER_HEAD_LEN]);

struct rota_keyanswer {
	const struct rota_crypto *crypto; /* from here private ... */
	struct rota_merkle_walk walk;
	enum rota_err err; /* the first; sticks */
	uint32_t got; /* bytes of the answer */
	uint8_t raw
		[ROTA_KEYANSWER_HEAD_LEN]; /* the head as it comes; of the hash in making its first 32 */
	/* ... to here; these are complete when the end returned ROTA_OK */
	struct rota_keyanswer_head head;
	uint8_t bundle[ROTA_KEYBUNDLE_LEN];
};

void rota_keyanswer_begin(struct rota_keyanswer *a, const struct rota_crypto *crypto);

/* The next piece. The error sticks.
 * ROTA_ERR_FORMAT: not the layout, more hashes than were said.
 * ROTA_ERR_UNSUPPORTED: an answer or a bundle of another version. */
ROTA_MUST_USE enum rota_err rota_keyanswer_feed(struct rota_keyanswer *a, struct rota_span piece);

/* The answer is over: the root that its proof leads to. ROTA_ERR_FORMAT: it is cut short, or the proof is not as long as
 * index and size say, or the index is not below the size. Else the error of feed. */
ROTA_MUST_USE enum rota_err rota_keyanswer_end(
	const struct rota_keyanswer *a, uint8_t root[static ROTA_SHA256_LEN]);

#endif
