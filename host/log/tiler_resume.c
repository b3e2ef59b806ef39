/* SPDX-License-Identifier: Apache-2.0 */
/* Going on where another run ended. */
#include "host/log/head.h"
#include "host/log/tiler_parts.h"

#include <string.h>

/* The leaves of the last bundle, each of which must be that of the hash beside. */
static enum rota_err load_bundle(
	struct rota_tiler *t, const struct rota_tiles *tiles, struct rota_fail *why)
{
	unsigned width = t->level[0].width;
	struct rota_bytes got = { .p = NULL };
	struct rota_span rest, leaf;
	uint8_t hash[TILER_HASH];
	enum rota_err err;

	t->bundle_len = 0;
	if (width == 0)
		return ROTA_OK;
	err = rota_tile_entries(tiles, tiler_edge(t, 0), width, &got, why);
	rest = rota_bytes_span(&got);
	for (unsigned i = 0; err == ROTA_OK && i < width; i++) {
		err = rota_tile_next_entry(&rest, &leaf);
		if (err != ROTA_OK)
			break;
		rota_merkle_leaf(t->config->crypto, leaf, hash);
		if (leaf.len > ROTA_LEAF_MAX ||
			memcmp(hash, &t->level[0].hash[i * TILER_HASH], TILER_HASH) != 0)
			err = ROTA_ERR_HASH;
	}
	if (err == ROTA_OK) {
		t->bundle_len = got.len - rest.len;
		memcpy(t->bundle, got.p, t->bundle_len);
	}
	rota_bytes_free(&got);
	return err;
}

/* The tiles at the right edge of the tree of this checkpoint. Any error: they are not all there. */
static enum rota_err load_edge(
	struct rota_tiler *t, const struct rota_checkpoint *at, struct rota_fail *why)
{
	struct rota_tiles tiles = rota_tiles_in(t->public);
	uint8_t root[TILER_HASH];

	t->size = at->size;
	for (int l = 0; l < ROTA_TILE_LEVELS; l++) {
		struct edge_tile *e = &t->level[l];

		e->width = (unsigned)((t->size >> (8 * l)) % ROTA_TILE_WIDTH);
		if (e->width > 0)
			ROTA_TRY(
				rota_tile_get(&tiles, l, tiler_edge(t, l), e->width, e->hash, why));
	}
	ROTA_TRY(load_bundle(t, &tiles, why));
	tiler_root(t, root);
	if (memcmp(root, at->root, TILER_HASH) != 0)
		return ROTA_ERR_HASH;
	for (int l = 0; l < ROTA_TILE_LEVELS; l++)
		t->nodes[l] = t->size >> (8 * l);
	return ROTA_OK;
}

static void begin_empty(struct rota_tiler *t)
{
	t->size = 0;
	t->bundle_len = 0;
	memset(t->nodes, 0, sizeof(t->nodes));
	for (int l = 0; l < ROTA_TILE_LEVELS; l++)
		t->level[l].width = 0;
}

/* What a run that was cut off left beside the files that the next ones go to. */
static enum rota_err sweep(struct rota_tiler *t, struct rota_fail *why)
{
	rota_draft_sweep(t->public);
	for (int l = ROTA_TILE_ENTRIES; l < ROTA_TILE_LEVELS; l++) {
		char name[ROTA_TILE_PATH_MAX], path[ROTA_FILE_PATH_MAX];

		rota_tile_path(l, tiler_edge(t, l < 0 ? 0 : l), ROTA_TILE_WIDTH, name);
		*strrchr(name, '/') = 0;
		ROTA_TRY(rota_log_path(t->public, name, ROTA_BUF(path), why));
		rota_draft_sweep(path);
	}
	return ROTA_OK;
}

static enum rota_err take_head(
	struct rota_tiler *t, const struct rota_log_head *head, struct rota_fail *why)
{
	struct rota_log_head shown;
	enum rota_err err;

	if (!rota_span_is(head->at.origin, t->config->origin))
		return rota_fail(why, ROTA_ERR_CORRUPT,
			"%s is of the log %.*s and not of %s: a log keeps its name", t->head,
			(int)head->at.origin.len, (const char *)head->at.origin.p,
			t->config->origin);
	t->published = head->at.size;
	t->stale = true;
	if (load_edge(t, &head->at, why) != ROTA_OK) {
		begin_empty(t); /* made anew from the journal, the same */
		return ROTA_OK;
	}
	err = rota_log_head_read(t->checkpoint, &shown, why);
	if (err == ROTA_OK) {
		t->stale =
			!rota_span_eq(rota_bytes_span(&shown.note), rota_bytes_span(&head->note));
		rota_log_head_free(&shown);
	}
	return err == ROTA_ERR_IO || err == ROTA_ERR_FULL ? err : ROTA_OK;
}

enum rota_err tiler_resume(struct rota_tiler *t, struct rota_fail *why)
{
	struct rota_ingest_fault fault;
	struct rota_log_head head;
	enum rota_err err;

	begin_empty(t);
	memset(t->made, 0, sizeof(t->made));
	t->published = 0;
	t->stale = false;
	err = rota_log_head_read(t->head, &head, why);
	if (err == ROTA_OK) {
		err = take_head(t, &head, why);
		rota_log_head_free(&head);
	}
	if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND)
		return err;
	ROTA_TRY(sweep(t, why));
	/* an entry's sequence is at least its index + 1: closing records have some too */
	err = rota_cursor_open(t->journal, t->size + 1, &t->cursor, &fault);
	return err == ROTA_OK ? ROTA_OK : rota_log_fault(why, err, t->journal, &fault);
}
