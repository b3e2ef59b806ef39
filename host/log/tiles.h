/* SPDX-License-Identifier: Apache-2.0 */
/* host/log/tiles.h -- a log as static files (C2SP tlog-tiles, SPEC 21.6), and proofs from them.
 *
 *     checkpoint                  signed note
 *     tile/L/N[.p/W]              hashes of 256 (W) subtrees of 256^L leaves, from number N * 256 on, 32 bytes each
 *     tile/entries/N[.p/W]        the leaves themselves, each after its length (u16, big-endian)
 *
 * N is written in groups of three digits, `x` before all but the last: 1234067 is x001/x234/067. A partial tile stays
 * until some time after its full one is there; who asks for it takes the beginning of the full one then.
 */
#ifndef HOST_LOG_TILES_H
#define HOST_LOG_TILES_H

#include "host/base/bytes.h"
#include "host/base/fail.h"
#include "rota/crypto/merkle.h"

#define ROTA_TILE_WIDTH 256
#define ROTA_TILE_LEN (ROTA_TILE_WIDTH * ROTA_MERKLE_HASH_LEN)
#define ROTA_TILE_LEVELS 8 /* 256^8 leaves */
#define ROTA_TILE_ENTRIES (-1) /* in place of a level */
#define ROTA_TILE_ENTRIES_MAX                                                                      \
	(ROTA_TILE_WIDTH * (2 + 65535)) /* bytes of a bundle that another log may have */
#define ROTA_TILE_PATH_MAX 64 /* tile/entries/, seven groups of 64 bits, .p/255 */

/* Where tiles come from: a directory, or a web server. get: the file `path` below the log, at most `max` bytes; *out is
 * the caller's. ROTA_ERR_NOT_FOUND: it is not there. */
struct rota_tiles {
	void *ctx;
	enum rota_err (*get)(void *ctx, const char *path, size_t max, struct rota_bytes *out,
		struct rota_fail *why);
};

/* Tiles in a directory. `dir` stays in use. */
struct rota_tiles rota_tiles_in(const char *dir);

/* "tile/0/x001/x234/067", with ".p/W" behind it for a width below 256. */
void rota_tile_path(int level, uint64_t n, unsigned width, char out[static ROTA_TILE_PATH_MAX]);

/* The first `width` hashes of a tile of a log of at least so many, from the partial or the full one. ROTA_ERR_FORMAT: it
 * has fewer, or no whole number. */
ROTA_MUST_USE enum rota_err rota_tile_get(const struct rota_tiles *t, int level, uint64_t n,
	unsigned width, uint8_t out[static ROTA_TILE_LEN], struct rota_fail *why);

/* The same of a bundle of leaves, as bytes; a full one where the partial is gone. */
ROTA_MUST_USE enum rota_err rota_tile_entries(const struct rota_tiles *t, uint64_t n,
	unsigned width, struct rota_bytes *out, struct rota_fail *why);

/* The next leaf of a bundle, taken off `rest`. ROTA_ERR_FORMAT: it is cut short. ROTA_ERR_NOT_FOUND: at its end. */
ROTA_MUST_USE enum rota_err rota_tile_next_entry(struct rota_span *rest, struct rota_span *leaf);

/* The root of the first `of` entries, from the tiles of a checkpoint of `size`. ROTA_ERR_ARGUMENT: `of` is above it. */
ROTA_MUST_USE enum rota_err rota_tiles_root(const struct rota_crypto *crypto,
	const struct rota_tiles *t, uint64_t of, uint64_t size,
	uint8_t root[static ROTA_SHA256_LEN], struct rota_fail *why);

/* Hashes of the proof, back to back, appended to *proof, as rota_merkle_inclusion() and _consistency() take them.
 * Nothing of what is read is believed: the caller checks the proof against a root that was signed.
 * ROTA_ERR_ARGUMENT: index not below size; from above to, or 0. ROTA_ERR_NOT_FOUND, ROTA_ERR_FORMAT: of a tile. */
ROTA_MUST_USE enum rota_err rota_tiles_inclusion(const struct rota_crypto *crypto,
	const struct rota_tiles *t, uint64_t index, uint64_t size, struct rota_bytes *proof,
	struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_tiles_consistency(const struct rota_crypto *crypto,
	const struct rota_tiles *t, uint64_t from, uint64_t to, struct rota_bytes *proof,
	struct rota_fail *why);

#endif
