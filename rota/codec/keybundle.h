/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/keybundle.h -- one device's new secret, sealed to it (SPEC 33.1), and what it is bound to (SPEC 31.3).
 *
 *     version (u8 1) | mode (u8: 0 base, 1 psk) | index (u32) | locator (16) | agree key id (8) | psk id (8) |
 *     enc (65) | ciphertext (32) | tag (16)
 *
 * Not to be taken for the signing bundle of host/repo, which officers carry: these are made by the million, lie sorted
 * in a file (host/campaign/bundlefile.h), and each is a leaf of a Merkle tree whose root a role signs. What the seal
 * binds: as AAD the 38 bytes in front of enc, as info the terms of the campaign and the device's own id.
 */
#ifndef ROTA_CODEC_KEYBUNDLE_H
#define ROTA_CODEC_KEYBUNDLE_H

#include "rota/base/err.h"
#include "rota/base/span.h"

#define ROTA_KEYBUNDLE_LEN 151
#define ROTA_KEYBUNDLE_AAD_LEN 38
#define ROTA_KEYBUNDLE_INFO_LEN 95
#define ROTA_KEYBUNDLE_LOCATOR_LEN 16 /* rota_tag() of campaign id and device: ROTA_TAG_LEN */
#define ROTA_KEYBUNDLE_ID_LEN 8 /* of an agree key, of a psk (SPEC 31.4) */
#define ROTA_KEYBUNDLE_SEALED_LEN 32
/* Bundles of one tree (SPEC 32.2): 2^24, so that a proof has at most 24 hashes. */
#define ROTA_KEYBUNDLE_SIZE_MAX (UINT32_C(1) << 24)
#define ROTA_KEYBUNDLE_PROOF_MAX 24

enum rota_keybundle_mode { ROTA_KEYBUNDLE_BASE, ROTA_KEYBUNDLE_PSK };

/* The spans point into the bytes that were decoded, and are of the lengths above; psk_id is zeros in mode BASE. */
struct rota_keybundle {
	uint8_t mode; /* enum rota_keybundle_mode */
	uint32_t index; /* its place in the tree */
	struct rota_span locator, agree_id, psk_id, enc, sealed, tag;
	struct rota_span aad; /* of decode alone */
};

/* ROTA_ERR_FORMAT: another length, an index beyond any tree, a psk id in mode BASE. ROTA_ERR_UNSUPPORTED: another
 * version or mode. */
ROTA_MUST_USE enum rota_err rota_keybundle_decode(struct rota_span in, struct rota_keybundle *out);

/* The 38 bytes that a seal covers, of mode, index, locator and ids. */
void rota_keybundle_aad(const struct rota_keybundle *b, uint8_t out[static ROTA_KEYBUNDLE_AAD_LEN]);

/* All of it. */
void rota_keybundle_encode(const struct rota_keybundle *b, uint8_t out[static ROTA_KEYBUNDLE_LEN]);

/* What is the same for a whole tree, and the device. */
struct rota_keybundle_terms {
	uint8_t suite, purpose, cipher;
	uint16_t tree;
	uint32_t generation;
	uint64_t activation_s;
	const uint8_t *campaign; /* its id, 32 bytes */
	const uint8_t *device; /* its id, 32 bytes */
};

void rota_keybundle_info(
	const struct rota_keybundle_terms *t, uint8_t out[static ROTA_KEYBUNDLE_INFO_LEN]);

#endif
