/* SPDX-License-Identifier: Apache-2.0 */
#include "host/log/tiles.h"
#include "host/base/file.h"
#include "rota/base/reader.h"

#include <stdio.h>
#include <string.h>

#define HASH ROTA_MERKLE_HASH_LEN

static enum rota_err get_file(
	void *ctx, const char *path, size_t max, struct rota_bytes *out, struct rota_fail *why)
{
	char whole[ROTA_FILE_PATH_MAX];
	int len = snprintf(whole, sizeof(whole), "%s/%s", (const char *)ctx, path);

	if (len < 0 || (size_t)len >= sizeof(whole))
		return rota_fail(
			why, ROTA_ERR_LIMIT, "path too long: %s/%s", (const char *)ctx, path);
	return rota_file_read(whole, max, out, why);
}

struct rota_tiles rota_tiles_in(const char *dir)
{
	union {
		const char *in;
		void *out;
	} ctx = { .in = dir }; /* get_file() only reads it */

	return (struct rota_tiles){ .ctx = ctx.out, .get = get_file };
}

void rota_tile_path(int level, uint64_t n, unsigned width, char out[static ROTA_TILE_PATH_MAX])
{
	int groups = 1, at;

	for (uint64_t rest = n / 1000; rest > 0; rest /= 1000)
		groups++;
	at = level == ROTA_TILE_ENTRIES ? snprintf(out, ROTA_TILE_PATH_MAX, "tile/entries")
					: snprintf(out, ROTA_TILE_PATH_MAX, "tile/%d", level);
	while (groups-- > 0) {
		uint64_t group = n;

		for (int i = 0; i < groups; i++)
			group /= 1000;
		at += snprintf(out + at, (size_t)(ROTA_TILE_PATH_MAX - at), "/%s%03u",
			groups > 0 ? "x" : "", (unsigned)(group % 1000));
	}
	if (width < ROTA_TILE_WIDTH)
		snprintf(out + at, (size_t)(ROTA_TILE_PATH_MAX - at), ".p/%u", width);
}

/* The partial tile, or where it is gone the full one. */
static enum rota_err get_either(const struct rota_tiles *t, int level, uint64_t n, unsigned width,
	size_t max, struct rota_bytes *out, struct rota_fail *why)
{
	char path[ROTA_TILE_PATH_MAX];
	enum rota_err err;

	rota_tile_path(level, n, width, path);
	err = t->get(t->ctx, path, max, out, why);
	if (err != ROTA_ERR_NOT_FOUND || width == ROTA_TILE_WIDTH)
		return err;
	rota_tile_path(level, n, ROTA_TILE_WIDTH, path);
	return t->get(t->ctx, path, max, out, why);
}

enum rota_err rota_tile_get(const struct rota_tiles *t, int level, uint64_t n, unsigned width,
	uint8_t out[static ROTA_TILE_LEN], struct rota_fail *why)
{
	struct rota_bytes got = { .p = NULL };
	enum rota_err err = get_either(t, level, n, width, ROTA_TILE_LEN, &got, why);

	if (err == ROTA_OK && (got.len < width * HASH || got.len % HASH != 0))
		err = rota_fail(why, ROTA_ERR_FORMAT,
			"tile %llu of level %d has %zu bytes in place of %u", (unsigned long long)n,
			level, got.len, width * HASH);
	if (err == ROTA_OK)
		memcpy(out, got.p, width * HASH);
	rota_bytes_free(&got);
	return err;
}

enum rota_err rota_tile_entries(const struct rota_tiles *t, uint64_t n, unsigned width,
	struct rota_bytes *out, struct rota_fail *why)
{
	return get_either(t, ROTA_TILE_ENTRIES, n, width, ROTA_TILE_ENTRIES_MAX, out, why);
}

enum rota_err rota_tile_next_entry(struct rota_span *rest, struct rota_span *leaf)
{
	struct rota_reader r = rota_reader(*rest);

	if (rest->len == 0)
		return ROTA_ERR_NOT_FOUND;
	*leaf = rota_read_span(&r, rota_read_be16(&r));
	if (r.failed)
		return ROTA_ERR_FORMAT;
	*rest = r.rest;
	return ROTA_OK;
}

/* A reader of one tree, with the tile that it read last of each level. */
struct walker {
	const struct rota_crypto *crypto;
	const struct rota_tiles *tiles;
	struct rota_fail *why;
	uint64_t size;
	struct {
		uint64_t n;
		bool there;
		uint8_t hash[ROTA_TILE_LEN];
	} last[ROTA_TILE_LEVELS];
};

static enum rota_err load(struct walker *w, unsigned level, uint64_t n, const uint8_t **hashes)
{
	uint64_t left = (w->size >> (8 * level)) - n * ROTA_TILE_WIDTH;
	unsigned width = left < ROTA_TILE_WIDTH ? (unsigned)left : ROTA_TILE_WIDTH;

	if (!w->last[level].there || w->last[level].n != n) {
		w->last[level].there = false;
		ROTA_TRY(
			rota_tile_get(w->tiles, (int)level, n, width, w->last[level].hash, w->why));
		w->last[level].n = n;
		w->last[level].there = true;
	}
	*hashes = w->last[level].hash;
	return ROTA_OK;
}

/* The root of the full subtree of 2^height leaves that begins with leaf `at`. */
static enum rota_err full(struct walker *w, uint64_t at, unsigned height, uint8_t *out)
{
	unsigned level = height / 8, count = 1U << height % 8;
	uint64_t first = at >> (8 * level);
	struct rota_merkle_edge edge = { .size = 0 };
	const uint8_t *hashes;

	ROTA_TRY(load(w, level, first / ROTA_TILE_WIDTH, &hashes));
	hashes += first % ROTA_TILE_WIDTH * HASH;
	for (unsigned i = 0; i < count; i++)
		rota_merkle_append(w->crypto, &edge, hashes + i * HASH);
	rota_merkle_root(w->crypto, &edge, out);
	return ROTA_OK;
}

static unsigned height_within(uint64_t count)
{
	unsigned height = 0;

	while (height < 63 && (uint64_t)2 << height <= count)
		height++;
	return height;
}

/* MTH(D[from:to]) where it is a node of the tree: full subtrees, largest first, as an edge has them. */
static enum rota_err range(struct walker *w, uint64_t from, uint64_t to, uint8_t *out)
{
	struct rota_merkle_edge edge = { .size = to - from };

	for (unsigned i = 0; from < to; i++) {
		unsigned height = height_within(to - from);

		ROTA_TRY(full(w, from, height, edge.node[i]));
		from += (uint64_t)1 << height;
	}
	rota_merkle_root(w->crypto, &edge, out);
	return ROTA_OK;
}

/* The largest power of two below `n`, which is above 1. */
static uint64_t split(uint64_t n)
{
	return (uint64_t)1 << height_within(n - 1);
}

/* What is pushed on the way down stands in a proof from below. */
struct pushed {
	unsigned count;
	uint8_t hash[65][HASH];
};

static void give(const struct pushed *p, struct rota_bytes *proof)
{
	for (unsigned i = p->count; i-- > 0;)
		rota_bytes_add(proof, rota_span(p->hash[i], HASH));
}

/* RFC 9162, 2.1.3.1, from the root down. */
static enum rota_err inclusion(struct walker *w, uint64_t index, struct pushed *p)
{
	uint64_t from = 0, to = w->size;

	while (to - from > 1) {
		uint64_t k = split(to - from);
		bool left = index - from < k;

		ROTA_TRY(left ? range(w, from + k, to, p->hash[p->count++])
			      : range(w, from, from + k, p->hash[p->count++]));
		to = left ? from + k : to;
		from = left ? from : from + k;
	}
	return ROTA_OK;
}

/* RFC 9162, 2.1.4.1, from the root down; `old` leaves are the older tree. */
static enum rota_err consistency(struct walker *w, uint64_t old, struct pushed *p)
{
	uint64_t from = 0, to = w->size;

	while (old != to) {
		uint64_t k = split(to - from);
		bool left = old - from <= k;

		ROTA_TRY(left ? range(w, from + k, to, p->hash[p->count++])
			      : range(w, from, from + k, p->hash[p->count++]));
		to = left ? from + k : to;
		from = left ? from : from + k;
	}
	/* of the old tree as a whole the reader has the root */
	return from == 0 ? ROTA_OK : range(w, from, to, p->hash[p->count++]);
}

enum rota_err rota_tiles_inclusion(const struct rota_crypto *crypto, const struct rota_tiles *t,
	uint64_t index, uint64_t size, struct rota_bytes *proof, struct rota_fail *why)
{
	struct walker w = { .crypto = crypto, .tiles = t, .why = why, .size = size };
	struct pushed p = { .count = 0 };

	if (index >= size)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "entry %llu is not among %llu",
			(unsigned long long)index, (unsigned long long)size);
	ROTA_TRY(inclusion(&w, index, &p));
	give(&p, proof);
	return ROTA_OK;
}

enum rota_err rota_tiles_consistency(const struct rota_crypto *crypto, const struct rota_tiles *t,
	uint64_t from, uint64_t to, struct rota_bytes *proof, struct rota_fail *why)
{
	struct walker w = { .crypto = crypto, .tiles = t, .why = why, .size = to };
	struct pushed p = { .count = 0 };

	if (from == 0 || from > to)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "no proof leads from %llu to %llu entries",
			(unsigned long long)from, (unsigned long long)to);
	ROTA_TRY(consistency(&w, from, &p));
	give(&p, proof);
	return ROTA_OK;
}

enum rota_err rota_tiles_root(const struct rota_crypto *crypto, const struct rota_tiles *t,
	uint64_t of, uint64_t size, uint8_t root[static ROTA_SHA256_LEN], struct rota_fail *why)
{
	struct walker w = { .crypto = crypto, .tiles = t, .why = why, .size = size };

	if (of > size)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "%llu entries are not among %llu",
			(unsigned long long)of, (unsigned long long)size);
	return range(&w, 0, of, root);
}
