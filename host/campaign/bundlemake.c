/* SPDX-License-Identifier: Apache-2.0 */
/* One pass from left to right. A bundle's hash goes to the bottom of the first level; a tile that is full, or the last of
 * its level, is written with the rows above its bottom, and its top goes to the bottom of the next level. So there is one
 * tile of each level in memory, however large the tree. */
#include "host/campaign/bundlemake.h"
#include "rota/base/mem.h"
#include "rota/base/writer.h"
#include "rota/crypto/merkle.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK 1024 /* bundles that are read at once */
#define FANOUT (ROTA_KEYFILE_FANOUT_LEN / 4)

struct tile {
	unsigned width; /* nodes at its bottom so far */
	uint64_t at; /* where it goes in the file */
	uint8_t hash[ROTA_KEYFILE_TILE_HASHES][ROTA_SHA256_LEN];
};

struct maker {
	int fd;
	const struct rota_crypto *crypto;
	struct rota_keyfile file; /* of the head */
	unsigned levels;
	uint32_t done; /* bundles */
	unsigned entry; /* of the fan-out: the next to be written */
	uint8_t last[ROTA_KEYBUNDLE_LOCATOR_LEN];
	struct tile tile[ROTA_KEYFILE_LEVELS_MAX];
	uint8_t fanout[ROTA_KEYFILE_FANOUT_LEN];
	uint8_t block[BLOCK][ROTA_KEYBUNDLE_LEN];
};

static enum rota_err write_at(
	const struct maker *m, uint64_t off, struct rota_span data, struct rota_fail *why)
{
	while (data.len > 0) {
		ssize_t put = pwrite(m->fd, data.p, data.len, (off_t)off);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return rota_fail_errno(why, errno, "cannot write the file of key bundles");
		off += (uint64_t)put;
		data = rota_span_skip(data, (size_t)put);
	}
	return ROTA_OK;
}

/* ---- tiles ---- */

/* The rows above the bottom, where they go in the file: a node without a right sibling is its left child. *top: what
 * stands above the last row. */
static void fill_rows(const struct maker *m, struct tile *t, uint8_t top[static ROTA_SHA256_LEN])
{
	unsigned width = t->width, from = 0;

	for (unsigned h = 0; h < ROTA_KEYFILE_TILE_HEIGHT; h++) {
		bool last = h + 1 == ROTA_KEYFILE_TILE_HEIGHT;
		unsigned to = from + width;

		for (unsigned i = 0; i < width; i += 2) {
			uint8_t *out = last ? top : t->hash[to + i / 2];

			if (i + 1 < width)
				rota_merkle_node(
					m->crypto, t->hash[from + i], t->hash[from + i + 1], out);
			else
				memcpy(out, t->hash[from + i], ROTA_SHA256_LEN);
		}
		from = to;
		width = (width + 1) / 2;
	}
}

static enum rota_err put_tile(
	struct maker *m, struct tile *t, uint8_t top[static ROTA_SHA256_LEN], struct rota_fail *why)
{
	size_t len =
		(size_t)rota_keyfile_row_at(t->width, ROTA_KEYFILE_TILE_HEIGHT) * ROTA_SHA256_LEN;

	fill_rows(m, t, top);
	ROTA_TRY(write_at(m, t->at, rota_span(t->hash, len), why));
	t->at += len;
	t->width = 0;
	return ROTA_OK;
}

/* One node at the bottom of `level`; what is full on the way up is written. */
static enum rota_err add_node(
	struct maker *m, const uint8_t node[static ROTA_SHA256_LEN], struct rota_fail *why)
{
	uint8_t top[ROTA_SHA256_LEN];

	memcpy(top, node, sizeof(top));
	for (unsigned level = 0; level < m->levels; level++) {
		struct tile *t = &m->tile[level];

		memcpy(t->hash[t->width++], top, sizeof(top));
		if (t->width < ROTA_KEYFILE_TILE_WIDTH || level + 1 == m->levels)
			return ROTA_OK;
		ROTA_TRY(put_tile(m, t, top, why));
	}
	return ROTA_OK;
}

/* The last tile of each level, from below: its top is a node of the next one. The top of the last is the root. */
static enum rota_err end_tiles(struct maker *m, struct rota_fail *why)
{
	for (unsigned level = 0; level < m->levels; level++) {
		struct tile *t = &m->tile[level];

		if (t->width == 0)
			continue; /* its last tile was full */
		ROTA_TRY(put_tile(m, t, m->file.root, why));
		if (level + 1 < m->levels) {
			struct tile *above = &m->tile[level + 1];

			memcpy(above->hash[above->width++], m->file.root, ROTA_SHA256_LEN);
		}
	}
	return ROTA_OK;
}

/* ---- bundles ---- */

static void put_entry(struct maker *m)
{
	struct rota_writer w = rota_writer(rota_buf(&m->fanout[4 * m->entry], 4));

	rota_write_le32(&w, m->done);
	m->entry++;
}

/* Entries of the fan-out up to the bucket of this bundle. */
static enum rota_err count_in(
	struct maker *m, const uint8_t *locator, uint32_t *first, struct rota_fail *why)
{
	unsigned bucket = (unsigned)locator[0] << 8 | locator[1];

	if (m->entry <= bucket)
		*first = m->done;
	while (m->entry <= bucket)
		put_entry(m);
	if (m->done - *first < ROTA_KEYFILE_BUCKET_MAX)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_LIMIT,
		"more than %d locators begin with %04x: make more trees of fewer devices",
		ROTA_KEYFILE_BUCKET_MAX, bucket);
}

static enum rota_err add_bundle(struct maker *m, const uint8_t bundle[static ROTA_KEYBUNDLE_LEN],
	uint32_t *first, struct rota_fail *why)
{
	struct rota_span raw = rota_span(bundle, ROTA_KEYBUNDLE_LEN);
	uint8_t leaf[ROTA_SHA256_LEN];
	struct rota_keybundle b;

	if (rota_keybundle_decode(raw, &b) != ROTA_OK || b.index != m->done)
		return rota_fail(
			why, ROTA_ERR_CORRUPT, "there is no bundle %u at its place", m->done);
	if (m->done > 0 && memcmp(b.locator.p, m->last, sizeof(m->last)) <= 0)
		return rota_fail(why, ROTA_ERR_CORRUPT,
			"the locator of bundle %u is not above the one before", m->done);
	memcpy(m->last, b.locator.p, sizeof(m->last));
	ROTA_TRY(count_in(m, m->last, first, why));
	rota_merkle_leaf(m->crypto, raw, leaf);
	m->done++;
	return add_node(m, leaf, why);
}

static enum rota_err read_block(struct maker *m, uint32_t count, struct rota_fail *why)
{
	struct rota_keyfile_source source = rota_keyfile_fd(&m->fd);

	return source.read(source.ctx,
		ROTA_KEYFILE_BUNDLES_AT + (uint64_t)m->done * ROTA_KEYBUNDLE_LEN,
		rota_buf(m->block, (size_t)count * ROTA_KEYBUNDLE_LEN), why);
}

static enum rota_err add_bundles(struct maker *m, struct rota_fail *why)
{
	uint32_t first = 0; /* bundle of the bucket at hand */

	while (m->done < m->file.size) {
		uint32_t left = m->file.size - m->done, count = left < BLOCK ? left : BLOCK;

		ROTA_TRY(read_block(m, count, why));
		for (uint32_t i = 0; i < count; i++)
			ROTA_TRY(add_bundle(m, m->block[i], &first, why));
	}
	while (m->entry < FANOUT)
		put_entry(m);
	return ROTA_OK;
}

/* ---- all of it ---- */

static enum rota_err make(struct maker *m, struct rota_fail *why)
{
	uint8_t head[ROTA_KEYFILE_HEAD_LEN];
	uint64_t end = rota_keyfile_level_at(m->file.size, m->levels);

	for (unsigned level = 0; level < m->levels; level++)
		m->tile[level].at = rota_keyfile_level_at(m->file.size, level);
	ROTA_TRY(add_bundles(m, why));
	ROTA_TRY(end_tiles(m, why));
	ROTA_TRY(write_at(m, ROTA_KEYFILE_HEAD_LEN, ROTA_SPAN(m->fanout), why));
	if (ftruncate(m->fd, (off_t)end) != 0)
		return rota_fail_errno(why, errno, "cannot cut the file of key bundles");
	rota_keyfile_head(&m->file, head);
	return write_at(m, 0, ROTA_SPAN(head), why);
}

enum rota_err rota_keyfile_finish(int fd, const struct rota_crypto *crypto,
	const uint8_t campaign[static ROTA_SHA256_LEN], uint16_t tree, uint32_t size,
	uint8_t root[static ROTA_SHA256_LEN], struct rota_fail *why)
{
	struct maker *m;
	enum rota_err err;

	if (size == 0 || size > ROTA_KEYBUNDLE_SIZE_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "a tree has 1 to %u bundles, not %u",
			ROTA_KEYBUNDLE_SIZE_MAX, size);
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "no memory");
	m->fd = fd;
	m->crypto = crypto;
	m->levels = rota_keyfile_levels(size);
	m->file.tree = tree;
	m->file.size = size;
	memcpy(m->file.campaign, campaign, sizeof(m->file.campaign));
	err = make(m, why);
	memcpy(root, m->file.root, sizeof(m->file.root));
	free(m);
	return err;
}
