/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/bundlefile.h"
#include "rota/base/crc32.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/crypto/merkle.h"

#include <errno.h>
#include <unistd.h>

#define MAGIC "ROTAKEYS"
#define FORMAT 1
#define CRC_LEN 4
#define TILE_LEN (ROTA_KEYFILE_TILE_HASHES * ROTA_SHA256_LEN)
#define LOCATOR_AT 6 /* in a bundle */
#define BLOCK 64 /* bundles that are read at once: a bucket of a million has 15 */
/* Hashes of a tile that are read at once: its upper six rows, 126 of a full one. Of the two rows below them, which have three
 * quarters of its bytes, a proof has one hash each. */
#define UPPER 128

/* ---- layout ---- */

uint32_t rota_keyfile_nodes(uint32_t size, unsigned level)
{
	return ((size - 1) >> (level * ROTA_KEYFILE_TILE_HEIGHT)) + 1;
}

unsigned rota_keyfile_levels(uint32_t size)
{
	unsigned levels = 1;

	while (rota_keyfile_nodes(size, levels) > 1)
		levels++;
	return levels;
}

unsigned rota_keyfile_row_at(unsigned width, unsigned row)
{
	unsigned at = 0;

	for (unsigned h = 0; h < row; h++)
		at += ((width - 1) >> h) + 1;
	return at;
}

static uint64_t level_hashes(uint32_t size, unsigned level)
{
	uint32_t nodes = rota_keyfile_nodes(size, level), rest = nodes % ROTA_KEYFILE_TILE_WIDTH;
	uint64_t full = nodes / ROTA_KEYFILE_TILE_WIDTH;

	return full * ROTA_KEYFILE_TILE_HASHES +
		(rest > 0 ? rota_keyfile_row_at(rest, ROTA_KEYFILE_TILE_HEIGHT) : 0);
}

uint64_t rota_keyfile_level_at(uint32_t size, unsigned level)
{
	uint64_t at = ROTA_KEYFILE_BUNDLES_AT + (uint64_t)size * ROTA_KEYBUNDLE_LEN;

	for (unsigned l = 0; l < level; l++)
		at += level_hashes(size, l) * ROTA_SHA256_LEN;
	return at;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static unsigned tile_width(uint32_t size, unsigned level, uint32_t n)
{
	return least(ROTA_KEYFILE_TILE_WIDTH,
		rota_keyfile_nodes(size, level) - n * ROTA_KEYFILE_TILE_WIDTH);
}

/* ---- the head ---- */

void rota_keyfile_head(const struct rota_keyfile *f, uint8_t out[static ROTA_KEYFILE_HEAD_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_KEYFILE_HEAD_LEN));
	unsigned levels = rota_keyfile_levels(f->size);

	rota_write_span(&w, ROTA_STR(MAGIC));
	rota_write_u8(&w, FORMAT);
	rota_write_u8(&w, 0);
	rota_write_le16(&w, ROTA_KEYBUNDLE_LEN);
	rota_write_le16(&w, f->tree);
	rota_write_u8(&w, ROTA_KEYFILE_TILE_HEIGHT);
	rota_write_u8(&w, (uint8_t)levels);
	rota_write_le32(&w, f->size);
	rota_write_le32(&w, 0);
	rota_write_span(&w, ROTA_SPAN(f->campaign));
	rota_write_span(&w, ROTA_SPAN(f->root));
	rota_write_le64(&w, rota_keyfile_level_at(f->size, levels));
	rota_write_fill(&w, 0, ROTA_KEYFILE_HEAD_LEN - CRC_LEN - w.used);
	rota_write_le32(&w, rota_crc32(0, rota_writer_span(&w)));
}

/* What a head of ours says, if `in` is one: all else in it follows from that. */
static bool is_head(struct rota_keyfile *f, const uint8_t in[static ROTA_KEYFILE_HEAD_LEN])
{
	struct rota_reader r = rota_reader(rota_span(&in[12], ROTA_KEYFILE_HEAD_LEN - 12));
	uint8_t again[ROTA_KEYFILE_HEAD_LEN];

	f->tree = rota_read_le16(&r);
	(void)rota_read_le16(&r);
	f->size = rota_read_le32(&r);
	(void)rota_read_le32(&r);
	rota_read_bytes(&r, ROTA_BUF(f->campaign));
	rota_read_bytes(&r, ROTA_BUF(f->root));
	if (f->size == 0 || f->size > ROTA_KEYBUNDLE_SIZE_MAX)
		return false;
	f->levels = (uint8_t)rota_keyfile_levels(f->size);
	f->len = rota_keyfile_level_at(f->size, f->levels);
	rota_keyfile_head(f, again);
	return memcmp(in, again, sizeof(again)) == 0;
}

static enum rota_err read_at(
	const struct rota_keyfile *f, uint64_t off, struct rota_buf to, struct rota_fail *why)
{
	return f->source.read(f->source.ctx, off, to, why);
}

/* The last row has one hash or two. */
static enum rota_err check_root(
	const struct rota_keyfile *f, const struct rota_crypto *crypto, struct rota_fail *why)
{
	unsigned width = tile_width(f->size, f->levels - 1u, 0);
	unsigned at = rota_keyfile_row_at(width, ROTA_KEYFILE_TILE_HEIGHT - 1);
	unsigned count = rota_keyfile_row_at(width, ROTA_KEYFILE_TILE_HEIGHT) - at;
	uint8_t row[2][ROTA_SHA256_LEN];

	ROTA_TRY(read_at(f,
		rota_keyfile_level_at(f->size, f->levels - 1u) + (uint64_t)at * ROTA_SHA256_LEN,
		rota_buf(row, (size_t)count * ROTA_SHA256_LEN), why));
	if (count == 2)
		rota_merkle_node(crypto, row[0], row[1], row[0]);
	if (memcmp(row[0], f->root, ROTA_SHA256_LEN) == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_CORRUPT, "its tiles do not lead to the root in its head");
}

enum rota_err rota_keyfile_open(struct rota_keyfile *f, const struct rota_keyfile_source *source,
	const struct rota_crypto *crypto, struct rota_fail *why)
{
	uint8_t head[ROTA_KEYFILE_HEAD_LEN];

	*f = (struct rota_keyfile){ .source = *source };
	ROTA_TRY(read_at(f, 0, ROTA_BUF(head), why));
	if (memcmp(head, MAGIC, 8) != 0)
		return rota_fail(why, ROTA_ERR_FORMAT, "no file of key bundles (SPEC 33.4)");
	if (head[8] != FORMAT)
		return rota_fail(why, ROTA_ERR_UNSUPPORTED,
			"a file of key bundles of format %u, known is %u", head[8], FORMAT);
	if (!is_head(f, head))
		return rota_fail(why, ROTA_ERR_CORRUPT, "its head is damaged");
	return check_root(f, crypto, why);
}

/* ---- a bundle ---- */

static enum rota_err find_bucket(const struct rota_keyfile *f, const uint8_t *locator,
	uint32_t *first, uint32_t *next, struct rota_fail *why)
{
	uint8_t pair[8];
	struct rota_reader r = rota_reader(ROTA_SPAN(pair));
	unsigned i = (unsigned)locator[0] << 8 | locator[1];

	ROTA_TRY(read_at(f, ROTA_KEYFILE_HEAD_LEN + 4ull * i, ROTA_BUF(pair), why));
	*first = rota_read_le32(&r);
	*next = rota_read_le32(&r);
	if (*first <= *next && *next <= f->size && *next - *first <= ROTA_KEYFILE_BUCKET_MAX)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_CORRUPT, "its fan-out is damaged at %u", i);
}

/* Look through `count` bundles from `first` on; ROTA_ERR_NOT_FOUND without a sentence: not among them. */
static enum rota_err find_in_block(const struct rota_keyfile *f, const uint8_t *locator,
	uint32_t first, uint32_t count, uint32_t *index, uint8_t *bundle, struct rota_fail *why)
{
	uint8_t block[BLOCK][ROTA_KEYBUNDLE_LEN];

	ROTA_TRY(read_at(f, ROTA_KEYFILE_BUNDLES_AT + (uint64_t)first * ROTA_KEYBUNDLE_LEN,
		rota_buf(block, (size_t)count * ROTA_KEYBUNDLE_LEN), why));
	for (uint32_t i = 0; i < count; i++) {
		if (memcmp(&block[i][LOCATOR_AT], locator, ROTA_KEYBUNDLE_LOCATOR_LEN) != 0)
			continue;
		*index = first + i;
		memcpy(bundle, block[i], ROTA_KEYBUNDLE_LEN);
		return ROTA_OK;
	}
	return ROTA_ERR_NOT_FOUND;
}

static enum rota_err find_bundle(const struct rota_keyfile *f, const uint8_t *locator,
	uint32_t *index, uint8_t *bundle, struct rota_fail *why)
{
	uint32_t first, next;
	struct rota_keybundle b;

	ROTA_TRY(find_bucket(f, locator, &first, &next, why));
	for (; first < next; first += least(BLOCK, next - first)) {
		enum rota_err err = find_in_block(
			f, locator, first, least(BLOCK, next - first), index, bundle, why);

		if (err == ROTA_ERR_NOT_FOUND)
			continue;
		ROTA_TRY(err);
		if (rota_keybundle_decode(rota_span(bundle, ROTA_KEYBUNDLE_LEN), &b) == ROTA_OK &&
			b.index == *index)
			return ROTA_OK;
		return rota_fail(why, ROTA_ERR_CORRUPT, "its bundle %u is damaged", *index);
	}
	return rota_fail(why, ROTA_ERR_NOT_FOUND, "it has no bundle for this device");
}

/* ---- its proof ---- */

/* The first row from which on all of them are at most UPPER hashes. */
static unsigned upper_rows(unsigned width)
{
	unsigned row = 0, all = rota_keyfile_row_at(width, ROTA_KEYFILE_TILE_HEIGHT);

	while (all - rota_keyfile_row_at(width, row) > UPPER)
		row++;
	return row;
}

/* What one tile has of it: the sibling in each of its rows, where there is one. */
static enum rota_err add_siblings(const struct rota_keyfile *f, uint32_t index, unsigned level,
	uint8_t (*proof)[ROTA_SHA256_LEN], uint8_t *count, struct rota_fail *why)
{
	uint8_t upper[UPPER][ROTA_SHA256_LEN];
	uint32_t below = index >> (level * ROTA_KEYFILE_TILE_HEIGHT);
	uint32_t n = below / ROTA_KEYFILE_TILE_WIDTH, nodes = rota_keyfile_nodes(f->size, level);
	uint64_t tile = rota_keyfile_level_at(f->size, level) + (uint64_t)n * TILE_LEN;
	unsigned width = tile_width(f->size, level, n), row = upper_rows(width);
	unsigned first = rota_keyfile_row_at(width, row);
	unsigned count_upper = rota_keyfile_row_at(width, ROTA_KEYFILE_TILE_HEIGHT) - first;

	ROTA_TRY(read_at(f, tile + (uint64_t)first * ROTA_SHA256_LEN,
		rota_buf(upper, (size_t)count_upper * ROTA_SHA256_LEN), why));
	for (unsigned h = 0; h < ROTA_KEYFILE_TILE_HEIGHT; h++) {
		uint32_t sibling = (below >> h) ^ 1;
		unsigned at = rota_keyfile_row_at(width, h) +
			(sibling & (ROTA_KEYFILE_TILE_WIDTH - 1u) >> h);

		if (sibling > (nodes - 1) >> h)
			continue;
		if (h < row)
			ROTA_TRY(read_at(f, tile + (uint64_t)at * ROTA_SHA256_LEN,
				ROTA_BUF(proof[*count]), why));
		else
			memcpy(proof[*count], upper[at - first], ROTA_SHA256_LEN);
		(*count)++;
	}
	return ROTA_OK;
}

enum rota_err rota_keyfile_find(const struct rota_keyfile *f,
	const uint8_t locator[static ROTA_KEYBUNDLE_LOCATOR_LEN], uint32_t *index,
	uint8_t bundle[static ROTA_KEYBUNDLE_LEN],
	uint8_t proof[static ROTA_KEYBUNDLE_PROOF_MAX][ROTA_SHA256_LEN], uint8_t *count,
	struct rota_fail *why)
{
	ROTA_TRY(find_bundle(f, locator, index, bundle, why));
	*count = 0;
	for (unsigned level = 0; level < f->levels; level++)
		ROTA_TRY(add_siblings(f, *index, level, proof, count, why));
	return ROTA_OK;
}

/* ---- a file ---- */

static enum rota_err read_fd(void *ctx, uint64_t off, struct rota_buf to, struct rota_fail *why)
{
	const int *fd = ctx;

	for (size_t done = 0; done < to.len;) {
		ssize_t got = pread(*fd, &to.p[done], to.len - done, (off_t)(off + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return rota_fail_errno(why, errno, "cannot read it");
		if (got == 0)
			return rota_fail(why, ROTA_ERR_CORRUPT, "it is cut short");
		done += (size_t)got;
	}
	return ROTA_OK;
}

struct rota_keyfile_source rota_keyfile_fd(int *fd)
{
	return (struct rota_keyfile_source){ fd, read_fd };
}
