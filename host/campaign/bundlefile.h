/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/bundlefile.h -- the key bundles of one tree in one file, read by ranges (SPEC 33.4, 33.5).
 *
 *     head (128) | fan-out (65,537 x u32) | bundles, sorted by locator (151 each) | tiles, level 0 first
 *
 * Entry i of the fan-out is the number of bundles whose first two locator bytes are below i. A tile has up to 256 nodes of
 * its level and all the inner nodes above them, but for the top: rows of 256, 128, ... 2 hashes. So a bundle and its
 * proof take five ranges of a million of them, and nothing is hashed to serve one: 64 bytes a device buy that. Of two ranges
 * only what the proof needs is read, in three pieces each: nine reads of 11 KB in all.
 *
 * The file is not believed, its server is not either: a device walks the proof to a root that a role signed. What is
 * checked here is that no offset leads out of the file.
 */
#ifndef HOST_CAMPAIGN_BUNDLEFILE_H
#define HOST_CAMPAIGN_BUNDLEFILE_H

#include "host/base/fail.h"
#include "rota/codec/keybundle.h"
#include "rota/port/crypto.h"

#define ROTA_KEYFILE_HEAD_LEN 128
#define ROTA_KEYFILE_FANOUT_LEN (4 * 65537)
#define ROTA_KEYFILE_BUNDLES_AT (ROTA_KEYFILE_HEAD_LEN + ROTA_KEYFILE_FANOUT_LEN)
#define ROTA_KEYFILE_TILE_HEIGHT 8
#define ROTA_KEYFILE_TILE_WIDTH 256
#define ROTA_KEYFILE_TILE_HASHES 510 /* of a full one: 256 + 128 + ... + 2 */
#define ROTA_KEYFILE_LEVELS_MAX 3 /* 256^3 bundles */
/* Bundles that share two bytes of their locators: 256 on average in the largest file; chance alone gives no 500. */
#define ROTA_KEYFILE_BUCKET_MAX 1024

/* Where the bytes come from. read: all of `to` from `off` on. */
struct rota_keyfile_source {
	void *ctx;
	enum rota_err (*read)(void *ctx, uint64_t off, struct rota_buf to, struct rota_fail *why);
};

/* A file that is open for reading; *fd stays in use. */
struct rota_keyfile_source rota_keyfile_fd(int *fd);

struct rota_keyfile {
	struct rota_keyfile_source source;
	uint8_t campaign[ROTA_SHA256_LEN], root[ROTA_SHA256_LEN];
	uint16_t tree;
	uint8_t levels;
	uint32_t size; /* bundles, from 1 */
	uint64_t len; /* of the file: the caller compares it with what there is */
};

/* Read the head, and compare its root with the last row of the tiles.
 * ROTA_ERR_FORMAT: no such file. ROTA_ERR_UNSUPPORTED: another format. ROTA_ERR_CORRUPT: damaged. Else the source's. */
ROTA_MUST_USE enum rota_err rota_keyfile_open(struct rota_keyfile *f,
	const struct rota_keyfile_source *source, const struct rota_crypto *crypto,
	struct rota_fail *why);

/* The bundle of a locator, its place, which finds copies and confirmation keys too, and its proof: *count hashes, the
 * leaf's sibling first. ROTA_ERR_NOT_FOUND: none. ROTA_ERR_CORRUPT: a fan-out that does not rise, or leads to a bundle
 * of another place. Else the source's. */
ROTA_MUST_USE enum rota_err rota_keyfile_find(const struct rota_keyfile *f,
	const uint8_t locator[static ROTA_KEYBUNDLE_LOCATOR_LEN], uint32_t *index,
	uint8_t bundle[static ROTA_KEYBUNDLE_LEN],
	uint8_t proof[static ROTA_KEYBUNDLE_PROOF_MAX][ROTA_SHA256_LEN], uint8_t *count,
	struct rota_fail *why);

/* ---- its layout, for who writes one ---- */

/* The head's bytes, of all members of `f` but the source, levels and len. */
void rota_keyfile_head(const struct rota_keyfile *f, uint8_t out[static ROTA_KEYFILE_HEAD_LEN]);

/* Nodes at the bottom of a level of a tree of `size`: ceil(size / 256^level). */
uint32_t rota_keyfile_nodes(uint32_t size, unsigned level);

/* Levels of a tree of `size`: the least number that ends in one tile. */
unsigned rota_keyfile_levels(uint32_t size);

/* Hashes of a tile of `width` nodes, 1 to 256, in front of its row `row` (8: in all of it). */
unsigned rota_keyfile_row_at(unsigned width, unsigned row);

/* Where a level begins in the file; at rota_keyfile_levels() the file ends. */
uint64_t rota_keyfile_level_at(uint32_t size, unsigned level);

#endif
