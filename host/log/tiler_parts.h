/* SPDX-License-Identifier: Apache-2.0 */
/* host/log/tiler_parts.h -- a tiler from inside: the right edge of the tree, in tiler.c as it grows, in tiler_resume.c as another run
 * left it. Private to these two. */
#ifndef HOST_LOG_TILER_PARTS_H
#define HOST_LOG_TILER_PARTS_H

#include "host/base/file.h"
#include "host/ingest/segment.h"
#include "host/log/log.h"
#include "host/log/tiler.h"
#include "host/log/tiles.h"

#define TILER_HASH ROTA_MERKLE_HASH_LEN
#define TILER_KINDS (ROTA_TILE_LEVELS + 1) /* of tiles: the leaves, then each level */

/* The tile at the right edge of a level. */
struct edge_tile {
	unsigned width;
	uint8_t hash[ROTA_TILE_LEN];
};

struct rota_tiler {
	const struct rota_tiler_config *config;
	struct rota_cursor *cursor; /* before entry `size`; NULL: to be resumed */
	uint64_t size; /* leaves in the tiles below */
	uint64_t published; /* of the head */
	bool stale; /* what is published is not the head */
	struct edge_tile level[ROTA_TILE_LEVELS];
	size_t bundle_len;
	uint8_t bundle[ROTA_TILE_WIDTH * (2 + ROTA_LEAF_MAX)];
	uint64_t nodes
		[ROTA_TILE_LEVELS]; /* of each level, when its partial tile was placed; 0: none was */
	char made[TILER_KINDS][ROTA_FILE_PATH_MAX]; /* folder of each kind that is there */
	char journal[ROTA_FILE_PATH_MAX], public[ROTA_FILE_PATH_MAX];
	char checkpoint[ROTA_FILE_PATH_MAX], head[ROTA_FILE_PATH_MAX];
};

/* Number of the tile at the right edge of a level. */
static inline uint64_t tiler_edge(const struct rota_tiler *t, int level)
{
	return (t->size >> (8 * level)) / ROTA_TILE_WIDTH;
}

/* The root of the tree whose right edge the tiles are. */
void tiler_root(struct rota_tiler *t, uint8_t *out);

/* Begin with what the files say: head, checkpoint and the tiles at the right edge; where those are not all there, with the
 * first entry of the journal. */
ROTA_MUST_USE enum rota_err tiler_resume(struct rota_tiler *t, struct rota_fail *why);

#endif
