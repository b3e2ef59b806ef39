/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/chunkmap.h -- which chunks of an image are durable, so that a write goes on after a power-off (SPEC 9.7).
 *
 * A chunk is one sector of the slot: what was cut off is erased and written again without touching its neighbours.
 * The map is a small region of its own: a header that names the image, then one program unit for each chunk, which
 * is written after the chunk was synced, in any order (a line loses frames). A unit that is torn, weak or
 * unreadable says: not done. So a chunk that the map calls done was durable when it was marked.
 *
 * The map saves work and decides nothing: the image is verified as a whole whatever it says. Where any call fails,
 * the write goes on without it, and starts at 0 after a power-off. It is begun before the first byte of an image is
 * written to the slot, and forgotten when the slot is written by anybody who does not know it, or when what it
 * called done did not verify.
 *
 * Errors: those of the flash, ROTA_ERR_ARGUMENT for a chunk that the image does not have.
 */
#ifndef ROTA_STORE_CHUNKMAP_H
#define ROTA_STORE_CHUNKMAP_H

#include "rota/port/crypto.h"
#include "rota/port/flash.h"

struct rota_chunkmap {
	const struct rota_flash *flash;
	uint32_t chunks;
};

/* Go on for the image of this digest and length in so many chunks, or begin. *done: chunks in a row from the
 * first. `flash` outlives the map. ROTA_ERR_FULL: the region has no room for so many chunks. */
ROTA_MUST_USE enum rota_err rota_chunkmap_begin(struct rota_chunkmap *m,
	const struct rota_flash *flash, const uint8_t digest[static ROTA_SHA256_LEN],
	uint64_t length, uint32_t chunks, uint32_t *done);

/* The chunk was written and synced. On ROTA_OK the mark is durable too; it may be made again. Where an
 * earlier mark of it was torn the map is written anew, and of the chunks done only those in a row from the first
 * stay marked. */
ROTA_MUST_USE enum rota_err rota_chunkmap_mark(struct rota_chunkmap *m, uint32_t chunk);

/* *yes: the chunk was marked. */
ROTA_MUST_USE enum rota_err rota_chunkmap_has(
	const struct rota_chunkmap *m, uint32_t chunk, bool *yes);

/* No chunk of any image is done. */
ROTA_MUST_USE enum rota_err rota_chunkmap_forget(const struct rota_flash *flash);

#endif
