/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/copies.h -- the back end's copies of the secrets that a campaign delivered (SPEC 37.1, 37.2).
 *
 *     ID.TREE.copies = head (140 bytes) || chunks
 *     chunk          = attempt salt (16) || secrets of up to 1,024 devices, in the order of the tree, sealed || tag (16)
 *
 * All chunks of a campaign are sealed under one *campaign key*, which the HSM wrapped once; each under a key of its own
 * that follows from it, from the file's salt and from the attempt's. A chunk that is made again after a cut has another
 * attempt salt: so no key seals two things, and the nonce can be zeros.
 */
#ifndef HOST_CAMPAIGN_COPIES_H
#define HOST_CAMPAIGN_COPIES_H

#include "host/campaign/keywrap.h"
#include "rota/crypto/datakey.h"
#include "rota/port/aead.h"
#include "rota/port/crypto.h"

#define ROTA_COPIES_HEAD_LEN 140
#define ROTA_COPIES_CHUNK 1024 /* devices */
#define ROTA_COPIES_SALT_LEN 16
/* A chunk has so much more than its secrets. */
#define ROTA_COPIES_OVERHEAD (ROTA_COPIES_SALT_LEN + ROTA_AEAD_TAG_LEN)
#define ROTA_COPIES_CHUNK_LEN (ROTA_COPIES_OVERHEAD + ROTA_COPIES_CHUNK * ROTA_SECRET_LEN)
#define ROTA_COPIES_AAD_LEN 46

struct rota_copies {
	uint8_t campaign[32];
	uint16_t tree;
	uint8_t purpose, cipher;
	uint32_t generation, size;
	uint64_t activation_s;
	uint8_t salt[ROTA_COPIES_SALT_LEN];
	uint8_t wrapped[ROTA_KEYWRAP_FORM_LEN]; /* the campaign key, by the HSM */
};

void rota_copies_encode(const struct rota_copies *c, uint8_t out[static ROTA_COPIES_HEAD_LEN]);
/* ROTA_ERR_FORMAT: no such head, or a damaged one. ROTA_ERR_UNSUPPORTED: another version. */
ROTA_MUST_USE enum rota_err rota_copies_decode(
	const uint8_t in[static ROTA_COPIES_HEAD_LEN], struct rota_copies *out);

/* Of a tree of `size`: how many chunks, devices of the n-th one, where it begins in the file, and the file's length. */
uint32_t rota_copies_chunks(uint32_t size);
uint32_t rota_copies_devices(uint32_t size, uint32_t chunk);
uint64_t rota_copies_at(uint32_t chunk);
uint64_t rota_copies_len(uint32_t size);

/* What seals and opens chunks; a value. */
struct rota_copies_key {
	const struct rota_crypto *crypto;
	const struct rota_aead *aead;
	const uint8_t *key; /* campaign key, ROTA_KEYWRAP_KEY_LEN bytes */
	uint8_t head[ROTA_COPIES_HEAD_LEN];
};

/* `chunk_bytes`: attempt salt, drawn for this attempt, || secrets || room for the tag; sealed in place. */
ROTA_MUST_USE enum rota_err rota_copies_seal(
	const struct rota_copies_key *k, uint32_t chunk, struct rota_buf chunk_bytes);
/* The other way. ROTA_ERR_SIGNATURE: of another file, chunk or campaign key, or damaged; ROTA_ERR_FORMAT: its length. */
ROTA_MUST_USE enum rota_err rota_copies_open(
	const struct rota_copies_key *k, uint32_t chunk, struct rota_buf chunk_bytes);

/* The AAD under which the HSM wraps the campaign key (keywrap.h). */
void rota_copies_aad(const uint8_t campaign[static 32], uint8_t out[static ROTA_COPIES_AAD_LEN]);

#endif
