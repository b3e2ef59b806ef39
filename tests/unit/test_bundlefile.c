/* SPDX-License-Identifier: Apache-2.0 */
/* Files of key bundles (SPEC 33.4, 33.5): made, against what tests/vectors/keys.py makes of the same bundles; read by
 * ranges, each proof walked; and damaged. */
#include "host/campaign/bundlefile.h"
#include "host/campaign/bundlemake.h"
#include "host/base/digest.h"
#include "host/base/file.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/writer.h"
#include "rota/crypto/merkle.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/vectors/keys_files.inc"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define CRYPTO (&rota_crypto_openssl)
#define TREE 5

static struct rota_fail why;

/* ---- bundles as keys.py makes them ---- */

static void make_locator(uint32_t i, uint32_t size, uint8_t out[static 16])
{
	struct rota_writer w = rota_writer(rota_buf(out, 16));

	rota_write_be64(&w, i * (UINT64_MAX / size));
	rota_write_be64(&w, i);
}

static void make_bundle(uint32_t i, uint32_t size, uint8_t out[static ROTA_KEYBUNDLE_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_KEYBUNDLE_LEN));
	uint8_t locator[16];

	make_locator(i, size, locator);
	rota_write_u8(&w, 1);
	rota_write_u8(&w, i & 1);
	rota_write_le32(&w, i);
	rota_write_span(&w, ROTA_SPAN(locator));
	rota_write_be64(&w, i + 1);
	rota_write_be64(&w, i & 1 ? i + 2 : 0);
	for (uint32_t k = 0; k < 113; k++)
		rota_write_u8(&w, (uint8_t)(i + k));
}

static uint8_t campaign[32];

/* A new file of `size` bundles at their places; it has no name any more. */
static int bundles_of(uint32_t size)
{
	enum { BLOCK = 4096 };
	static uint8_t block[BLOCK][ROTA_KEYBUNDLE_LEN];
	char path[] = "/tmp/rota-keyfile-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || unlink(path) != 0 || !rota_unhex(v_campaign, ROTA_BUF(campaign)))
		exit(1);
	for (uint32_t i = 0; i < size; i += BLOCK) {
		uint32_t count = size - i < BLOCK ? size - i : BLOCK;
		ssize_t len = (ssize_t)count * ROTA_KEYBUNDLE_LEN;

		for (uint32_t k = 0; k < count; k++)
			make_bundle(i + k, size, block[k]);
		if (pwrite(fd, block, (size_t)len,
			    ROTA_KEYFILE_BUNDLES_AT + (off_t)i * ROTA_KEYBUNDLE_LEN) != len)
			exit(1);
	}
	return fd;
}

static int file_of(uint32_t size, uint8_t root[static 32])
{
	int fd = bundles_of(size);

	if (rota_keyfile_finish(fd, CRYPTO, campaign, TREE, size, root, &why) != ROTA_OK)
		test_fail(__FILE__, __LINE__, why.text);
	return fd;
}

/* ---- a source that counts ---- */

struct counted {
	int fd;
	unsigned reads;
	uint64_t bytes;
};

static enum rota_err read_counted(
	void *ctx, uint64_t off, struct rota_buf to, struct rota_fail *fail)
{
	struct counted *c = ctx;
	struct rota_keyfile_source fd = rota_keyfile_fd(&c->fd);

	c->reads++;
	c->bytes += to.len;
	return fd.read(fd.ctx, off, to, fail);
}

static enum rota_err open_counted(struct counted *c, struct rota_keyfile *f)
{
	struct rota_keyfile_source source = { c, read_counted };

	return rota_keyfile_open(f, &source, CRYPTO, &why);
}

/* Bundle `i` is found at its place, and its proof leads to the root. */
static bool proves(const struct rota_keyfile *f, uint32_t i)
{
	uint8_t locator[16], bundle[ROTA_KEYBUNDLE_LEN], want[ROTA_KEYBUNDLE_LEN], leaf[32],
		root[32];
	uint8_t proof[ROTA_KEYBUNDLE_PROOF_MAX][32], count;
	uint32_t index;

	make_locator(i, f->size, locator);
	make_bundle(i, f->size, want);
	if (rota_keyfile_find(f, locator, &index, bundle, proof, &count, &why) != ROTA_OK)
		return false;
	rota_merkle_leaf(CRYPTO, ROTA_SPAN(bundle), leaf);
	return index == i && memcmp(bundle, want, sizeof(want)) == 0 &&
		rota_merkle_inclusion(CRYPTO, i, f->size, leaf,
			rota_span(proof, (size_t)count * 32), root) == ROTA_OK &&
		memcmp(root, f->root, 32) == 0;
}

/* ---- making ---- */

static void digest_of(int fd, uint8_t out[static 32])
{
	static uint8_t block[65536];
	struct rota_digest *d = rota_digest_new();
	ssize_t len;

	for (off_t at = 0; (len = pread(fd, block, sizeof(block), at)) > 0; at += len)
		rota_digest_add(d, rota_span(block, (size_t)len));
	rota_digest_get(d, out);
	rota_digest_free(d);
}

TEST(files_are_what_an_independent_maker_makes)
{
	uint8_t root[32], want[32], got[32];

	for (size_t i = 0; i < ROWS(file_vectors); i++) {
		int fd = file_of(file_vectors[i].size, root);

		ROW(file_vectors[i].root);
		CHECK(rota_unhex(file_vectors[i].root, ROTA_BUF(want)));
		CHECK_MEM(root, want, 32);
		CHECK(rota_unhex(file_vectors[i].file, ROTA_BUF(want)));
		digest_of(fd, got);
		close(fd);
		CHECK_MEM(got, want, 32);
	}
	ROW(NULL);
}

TEST(what_lay_behind_the_tiles_goes)
{
	uint8_t root[32], got[32], want[32];
	int fd = bundles_of(10);

	CHECK_EQ(ftruncate(fd, 1000000), 0);
	CHECK_OK(rota_keyfile_finish(fd, CRYPTO, campaign, TREE, 10, root, &why));
	digest_of(fd, got);
	close(fd);
	CHECK(rota_unhex(file_vectors[3].file, ROTA_BUF(want)));
	CHECK_MEM(got, want, 32);
}

static const struct {
	const char *reason;
	uint32_t bundle; /* of 300 */
	uint8_t at, flip;
} spoiled[] = {
	{ "no bundle of ours", 7, 0, 3 },
	{ "one of another index", 299, 2, 1 },
	{ "a locator that falls", 200, 6, 0x80 },
};

TEST(bundles_that_are_not_in_order_are_refused)
{
	uint8_t bundle[ROTA_KEYBUNDLE_LEN], root[32];
	off_t at;

	for (size_t i = 0; i < ROWS(spoiled); i++) {
		int fd = bundles_of(300);

		ROW(spoiled[i].reason);
		at = ROTA_KEYFILE_BUNDLES_AT + (off_t)spoiled[i].bundle * ROTA_KEYBUNDLE_LEN;
		make_bundle(spoiled[i].bundle, 300, bundle);
		bundle[spoiled[i].at] ^= spoiled[i].flip;
		CHECK_EQ(pwrite(fd, bundle, sizeof(bundle), at), sizeof(bundle));
		CHECK_EQ(rota_keyfile_finish(fd, CRYPTO, campaign, TREE, 300, root, &why),
			ROTA_ERR_CORRUPT);
		close(fd);
	}
	ROW(NULL);
}

TEST(a_locator_that_stands_twice_is_refused)
{
	uint8_t bundle[ROTA_KEYBUNDLE_LEN], root[32];
	int fd = bundles_of(2);

	make_bundle(1, 2, bundle);
	make_locator(0, 2, &bundle[6]);
	CHECK_EQ(pwrite(fd, bundle, sizeof(bundle), ROTA_KEYFILE_BUNDLES_AT + ROTA_KEYBUNDLE_LEN),
		sizeof(bundle));
	CHECK_EQ(rota_keyfile_finish(fd, CRYPTO, campaign, TREE, 2, root, &why), ROTA_ERR_CORRUPT);
	close(fd);
}

TEST(a_tree_of_none_or_of_too_many_is_none)
{
	uint8_t root[32];
	int fd = bundles_of(1);

	CHECK_EQ(rota_keyfile_finish(fd, CRYPTO, campaign, TREE, 0, root, &why), ROTA_ERR_LIMIT);
	CHECK_EQ(rota_keyfile_finish(fd, CRYPTO, campaign, TREE, (1u << 24) + 1, root, &why),
		ROTA_ERR_LIMIT);
	CHECK_EQ(rota_keyfile_finish(fd, CRYPTO, campaign, TREE, 2, root, &why), ROTA_ERR_CORRUPT);
	close(fd);
}

/* More than 1,024 locators of one beginning: nobody draws that by chance. */
TEST(a_bucket_that_is_too_full_is_refused)
{
	uint8_t bundle[ROTA_KEYBUNDLE_LEN], root[32];
	int fd = bundles_of(1025);

	for (uint32_t i = 0; i < 1025; i++) {
		struct rota_writer w = rota_writer(rota_buf(&bundle[6], 16));

		make_bundle(i, 1025, bundle);
		rota_write_be64(&w, i);
		rota_write_be64(&w, i);
		CHECK_EQ(pwrite(fd, bundle, sizeof(bundle),
				 ROTA_KEYFILE_BUNDLES_AT + (off_t)i * ROTA_KEYBUNDLE_LEN),
			sizeof(bundle));
	}
	CHECK_EQ(rota_keyfile_finish(fd, CRYPTO, campaign, TREE, 1025, root, &why), ROTA_ERR_LIMIT);
	CHECK_OK(rota_keyfile_finish(fd, CRYPTO, campaign, TREE, 1024, root, &why));
	close(fd);
}

/* ---- reading ---- */

TEST(each_bundle_is_found_with_its_proof)
{
	static const uint32_t sizes[] = { 1, 2, 3, 255, 256, 257, 1000 };
	uint8_t root[32];

	for (size_t i = 0; i < ROWS(sizes); i++) {
		struct counted c = { .fd = file_of(sizes[i], root) };
		struct rota_keyfile f;

		CHECK_OK(open_counted(&c, &f));
		CHECK_EQ(f.size, sizes[i]);
		CHECK_EQ(f.tree, TREE);
		CHECK_MEM(f.campaign, campaign, 32);
		CHECK_MEM(f.root, root, 32);
		CHECK_EQ(f.len, lseek(c.fd, 0, SEEK_END));
		for (uint32_t k = 0; k < sizes[i]; k++)
			CHECK(proves(&f, k));
		close(c.fd);
	}
}

TEST(a_bundle_of_a_million_takes_parts_of_five_ranges)
{
	static const uint32_t sizes[] = { 65535, 65536, 65537, 1000000 };
	uint8_t root[32];

	for (size_t i = 0; i < ROWS(sizes); i++) {
		struct counted c = { .fd = file_of(sizes[i], root) };
		struct rota_keyfile f;

		CHECK_OK(open_counted(&c, &f));
		for (uint32_t k = 0; k < sizes[i]; k += 997) {
			c.reads = 0;
			c.bytes = 0;
			CHECK(proves(&f, k));
			CHECK(c.reads <= 2 + 3u * f.levels);
			CHECK(c.bytes <= 8 + 64 * ROTA_KEYBUNDLE_LEN + f.levels * (128u + 2) * 32);
		}
		CHECK(proves(&f, sizes[i] - 1));
		CHECK_EQ(f.levels, sizes[i] > 65536 ? 3 : 2);
		close(c.fd);
	}
}

TEST(nobody_else_finds_a_bundle)
{
	uint8_t root[32], locator[16], bundle[ROTA_KEYBUNDLE_LEN];
	uint8_t proof[ROTA_KEYBUNDLE_PROOF_MAX][32], count;
	struct counted c = { .fd = file_of(1000, root) };
	struct rota_keyfile f;
	uint32_t index;

	CHECK_OK(open_counted(&c, &f));
	for (uint32_t i = 0; i < 1000; i += 111)
		for (size_t at = 0; at < sizeof(locator); at++) {
			make_locator(i, 1000, locator);
			locator[at] ^= 0x40;
			CHECK_EQ(
				rota_keyfile_find(&f, locator, &index, bundle, proof, &count, &why),
				ROTA_ERR_NOT_FOUND);
		}
	close(c.fd);
}

/* ---- damage ---- */

static void flip(int fd, off_t at, uint8_t bits)
{
	uint8_t byte;

	if (pread(fd, &byte, 1, at) != 1)
		exit(1);
	byte ^= bits;
	if (pwrite(fd, &byte, 1, at) != 1)
		exit(1);
}

TEST(a_head_that_was_changed_is_refused)
{
	uint8_t root[32];
	struct counted c = { .fd = file_of(300, root) };
	struct rota_keyfile f;

	for (off_t at = 0; at < ROTA_KEYFILE_HEAD_LEN; at++) {
		flip(c.fd, at, 0x10);
		CHECK_EQ(open_counted(&c, &f),
			at < 8            ? ROTA_ERR_FORMAT
				: at == 8 ? ROTA_ERR_UNSUPPORTED
					  : ROTA_ERR_CORRUPT);
		flip(c.fd, at, 0x10);
	}
	CHECK_OK(open_counted(&c, &f));
	close(c.fd);
}

TEST(tiles_that_do_not_lead_to_the_root_are_refused)
{
	static const uint32_t sizes[] = { 1, 128, 129, 300 };
	uint8_t root[32];

	for (size_t i = 0; i < ROWS(sizes); i++) {
		struct counted c = { .fd = file_of(sizes[i], root) };
		struct rota_keyfile f;
		off_t end = lseek(c.fd, 0, SEEK_END);

		flip(c.fd, end - 1, 1);
		CHECK_EQ(open_counted(&c, &f), ROTA_ERR_CORRUPT);
		CHECK_EQ(ftruncate(c.fd, end - 1), 0);
		CHECK_EQ(open_counted(&c, &f), ROTA_ERR_CORRUPT);
		close(c.fd);
	}
}

static enum rota_err find_tenth(struct counted *c)
{
	uint8_t locator[16], bundle[ROTA_KEYBUNDLE_LEN], proof[ROTA_KEYBUNDLE_PROOF_MAX][32], count;
	struct rota_keyfile f;
	uint32_t index;

	if (open_counted(c, &f) != ROTA_OK)
		return ROTA_ERR_STATE;
	make_locator(10, f.size, locator);
	return rota_keyfile_find(&f, locator, &index, bundle, proof, &count, &why);
}

TEST(a_fanout_that_lies_leads_nowhere)
{
	uint8_t root[32], locator[16];
	struct counted c = { .fd = file_of(3000, root) };
	off_t entry;

	make_locator(10, 3000, locator);
	entry = ROTA_KEYFILE_HEAD_LEN + 4 * ((off_t)locator[0] << 8 | locator[1]);
	CHECK_OK(find_tenth(&c));
	flip(c.fd, entry + 4, 0x0f); /* its end: before its begin */
	CHECK_EQ(find_tenth(&c), ROTA_ERR_CORRUPT);
	flip(c.fd, entry + 4, 0x0f);
	flip(c.fd, entry + 5, 0x08); /* 2,048 more */
	CHECK_EQ(find_tenth(&c), ROTA_ERR_CORRUPT);
	flip(c.fd, entry + 5, 0x08);
	flip(c.fd, entry + 1, 0x10); /* both beyond the last */
	flip(c.fd, entry + 5, 0x10);
	CHECK_EQ(find_tenth(&c), ROTA_ERR_CORRUPT);
	close(c.fd);
}

TEST(a_bundle_of_another_place_is_not_served)
{
	uint8_t root[32];
	struct counted c = { .fd = file_of(3000, root) };
	off_t at = ROTA_KEYFILE_BUNDLES_AT + 10 * ROTA_KEYBUNDLE_LEN;

	flip(c.fd, at + 2, 1); /* its index */
	CHECK_EQ(find_tenth(&c), ROTA_ERR_CORRUPT);
	flip(c.fd, at + 2, 1);
	flip(c.fd, at, 2); /* its version */
	CHECK_EQ(find_tenth(&c), ROTA_ERR_CORRUPT);
	close(c.fd);
}

TESTS(T(files_are_what_an_independent_maker_makes), T(what_lay_behind_the_tiles_goes),
	T(bundles_that_are_not_in_order_are_refused), T(a_locator_that_stands_twice_is_refused),
	T(a_tree_of_none_or_of_too_many_is_none), T(a_bucket_that_is_too_full_is_refused),
	T(each_bundle_is_found_with_its_proof), T(a_bundle_of_a_million_takes_parts_of_five_ranges),
	T(nobody_else_finds_a_bundle), T(a_head_that_was_changed_is_refused),
	T(tiles_that_do_not_lead_to_the_root_are_refused), T(a_fanout_that_lies_leads_nowhere),
	T(a_bundle_of_another_place_is_not_served))
