/* SPDX-License-Identifier: Apache-2.0 */
/* The chunk map beside a slot: images are written one after the other, chunk by chunk, in an order of their own, with
 * the power cut at every operation (every third where units are bytes). After power-up a chunk that the map calls
 * done lies in the slot, each chunk whose mark had returned is called done, and the writing goes on from there to
 * the end. */
#include "ports/flash_sim/flash_sim.h"
#include "rota/store/chunkmap.h"
#include "tests/unit/test.h"

#define CHUNK 256
#define CHUNKS_MAX 6
#define DRAWS 3 /* of what an unsynced cut loses */

struct board {
	const char *name;
	struct rota_flash_sim_chip chip; /* the map is its first sector, the slot the rest */
	uint32_t stride; /* of the operations that are cut */
};

static const struct board boards[] = {
	{ "unit 1, 0xFF",
		{ .runs = { { 512, 1 }, { CHUNK, CHUNKS_MAX } },
			.write_len = 1,
			.erased = 0xFF,
			.erase_steps = 4 },
		3 },
	{ "ECC, unit 32, 0xFF",
		{ .runs = { { 256, 1 }, { CHUNK, CHUNKS_MAX } },
			.write_len = 32,
			.erased = 0xFF,
			.once = true,
			.ecc = true,
			.erase_steps = 4 },
		1 },
	{ "unit 4, 0x00",
		{ .runs = { { 256, 1 }, { CHUNK, CHUNKS_MAX } },
			.write_len = 4,
			.erased = 0x00,
			.erase_steps = 4 },
		1 },
	{ "once, unit 8, 0xFF",
		{ .runs = { { 256, 1 }, { CHUNK, CHUNKS_MAX } },
			.write_len = 8,
			.erased = 0xFF,
			.once = true,
			.erase_steps = 4 },
		1 },
};
#define BOARDS ((int)(sizeof(boards) / sizeof(boards[0])))

/* Images in the order in which they come: one, another, the first again. */
struct image {
	uint8_t name; /* its digest is all of this, and its bytes begin with it */
	uint32_t chunks;
};
static const struct image images[] = { { 0xA1, CHUNKS_MAX }, { 0xB2, 4 }, { 0xA1, CHUNKS_MAX } };
#define IMAGES ((int)(sizeof(images) / sizeof(images[0])))

static struct rota_sim_supply supply;
static struct rota_flash_sim sim;
static struct rota_flash_sim_region map_region, slot;
static bool marked[CHUNKS_MAX]; /* of the image that is written: the mark returned */

static enum rota_err be_born(const struct board *b)
{
	uint32_t map_len = b->chip.runs[0].sector_len;

	rota_flash_sim_free(&sim);
	rota_sim_supply_init(&supply, 1);
	ROTA_TRY(rota_flash_sim_init(&sim, &b->chip, &supply));
	ROTA_TRY(rota_flash_sim_region_own(&map_region, &sim, 0, map_len));
	return rota_flash_sim_region_own(&slot, &sim, map_len, CHUNK * CHUNKS_MAX);
}

static void chunk_bytes(const struct image *image, uint32_t chunk, uint8_t to[static CHUNK])
{
	for (uint32_t i = 0; i < CHUNK; i++)
		to[i] = (uint8_t)(image->name + 7 * chunk + i);
}

static bool lies_there(const struct image *image, uint32_t chunk)
{
	uint8_t want[CHUNK], got[CHUNK];

	chunk_bytes(image, chunk, want);
	return slot.port.read(slot.port.ctx, chunk * CHUNK, ROTA_BUF(got)) == ROTA_OK &&
		memcmp(got, want, CHUNK) == 0;
}

static enum rota_err begin(struct rota_chunkmap *m, const struct image *image, uint32_t *done)
{
	uint8_t digest[ROTA_SHA256_LEN];

	memset(digest, image->name, sizeof(digest));
	return rota_chunkmap_begin(
		m, &map_region.port, digest, image->chunks * CHUNK - 9, image->chunks, done);
}

/* Every chunk that the map calls done is there, and it calls done what was marked. */
static bool map_is_true(const struct rota_chunkmap *m, const struct image *image, uint32_t done)
{
	uint32_t row = 0;

	for (uint32_t i = 0; i < image->chunks; i++) {
		bool yes;

		if (rota_chunkmap_has(m, i, &yes) != ROTA_OK)
			return false;
		if ((yes && !lies_there(image, i)) || (!yes && marked[i]))
			return false;
		row += yes && row == i;
	}
	return row == done;
}

static enum rota_err write_chunk(const struct image *image, uint32_t chunk)
{
	uint8_t bytes[CHUNK];

	chunk_bytes(image, chunk, bytes);
	ROTA_TRY(slot.port.erase(slot.port.ctx, chunk * CHUNK));
	ROTA_TRY(slot.port.write(slot.port.ctx, chunk * CHUNK, ROTA_SPAN(bytes)));
	return slot.port.sync(slot.port.ctx);
}

/* Write what the map does not have, every second chunk first. ROTA_ERR_STATE: the map lies. */
static enum rota_err install(const struct image *image)
{
	struct rota_chunkmap m;
	uint32_t done, laid, least = image->chunks;

	ROTA_TRY(begin(&m, image, &done));
	if (!map_is_true(&m, image, done))
		return ROTA_ERR_STATE;
	for (uint32_t i = 0; i < image->chunks; i++) {
		uint32_t chunk = i * 2 % image->chunks + (i * 2 >= image->chunks);
		bool yes;

		ROTA_TRY(rota_chunkmap_has(&m, chunk, &yes));
		if (yes)
			continue;
		ROTA_TRY(write_chunk(image, chunk));
		laid = sim.sectors[0].erases;
		ROTA_TRY(rota_chunkmap_mark(&m, chunk));
		if (sim.sectors[0].erases != laid) { /* written anew, with what is in a row */
			memset(marked, 0, sizeof(marked));
			least = 1;
		}
		marked[chunk] = true;
	}
	ROTA_TRY(begin(&m, image, &done));
	return done >= least ? ROTA_OK : ROTA_ERR_STATE;
}

static bool whole(const struct image *image)
{
	for (uint32_t i = 0; i < image->chunks; i++) {
		if (!lies_there(image, i))
			return false;
	}
	return true;
}

/* Install all images; where the power goes it comes back and the same image is begun again. */
static bool life(void)
{
	for (int i = 0; i < IMAGES; i++) {
		enum rota_err err;

		memset(marked, 0, sizeof(marked));
		err = install(&images[i]);
		if (err == ROTA_ERR_IO && supply.off) {
			rota_sim_supply_on(&supply);
			err = install(&images[i]);
		}
		if (err != ROTA_OK || !whole(&images[i]))
			return false;
	}
	return sim.broken == 0;
}

/* Each operation of a life cut once; false with the row set at the first that is not survived. */
static bool cut_all(const struct board *b, enum rota_sim_fault fault, int *cuts)
{
	static char row[120];
	uint64_t draws = fault == ROTA_SIM_CUT_UNSYNCED ? DRAWS : 1;

	for (uint64_t at = 1;; at += b->stride) {
		for (uint64_t d = 0; d < draws; d++) {
			char plan[60];

			if (be_born(b) != ROTA_OK)
				return false;
			rota_sim_supply_plan(&supply, at, fault, at * DRAWS + d);
			rota_sim_supply_tell(&supply, ROTA_BUF(plan));
			(void)snprintf(row, sizeof(row), "%s, %s", b->name, plan);
			ROW(row);
			if (!life())
				return false;
			if (!rota_sim_supply_met(&supply))
				return true;
			++*cuts;
		}
	}
}

TEST(after_every_cut_the_map_is_true_and_the_write_goes_on)
{
	for (int b = 0; b < BOARDS; b++) {
		int cuts = 0;

		for (int f = ROTA_SIM_CUT_BEFORE; f <= ROTA_SIM_CUT_UNSYNCED; f++)
			CHECK(cut_all(&boards[b], (enum rota_sim_fault)f, &cuts));
		printf("%s: %d cuts, 0 failed\n", boards[b].name, cuts);
		CHECK(cuts > 500);
	}
	rota_flash_sim_free(&sim);
}

TEST(a_map_is_of_one_image)
{
	static const struct image shorter = { 0xA1, CHUNKS_MAX - 1 };
	struct rota_chunkmap m;
	uint32_t done;
	bool yes;

	CHECK_OK(be_born(&boards[2]));
	CHECK_OK(begin(&m, &images[0], &done));
	CHECK_EQ(done, 0);
	CHECK_OK(rota_chunkmap_mark(&m, 0));
	CHECK_OK(rota_chunkmap_mark(&m, 1));
	CHECK_OK(rota_chunkmap_mark(&m, 3));
	CHECK_OK(rota_chunkmap_mark(&m, 3));
	CHECK_EQ(rota_chunkmap_mark(&m, CHUNKS_MAX), ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_chunkmap_has(&m, CHUNKS_MAX, &yes), ROTA_ERR_ARGUMENT);
	CHECK_OK(begin(&m, &images[0], &done));
	CHECK_EQ(done, 2);
	CHECK_OK(rota_chunkmap_has(&m, 3, &yes));
	CHECK(yes);
	CHECK_OK(begin(&m, &shorter, &done)); /* the same digest, which says another length */
	CHECK_EQ(done, 0);
	CHECK_OK(rota_chunkmap_mark(&m, 0));
	CHECK_OK(rota_chunkmap_forget(&map_region.port));
	CHECK_OK(begin(&m, &shorter, &done));
	CHECK_EQ(done, 0);
	rota_flash_sim_free(&sim);
}

TEST(a_map_has_room_for_so_many_chunks)
{
	const uint8_t digest[ROTA_SHA256_LEN] = { 0 };
	struct rota_chunkmap m;
	uint32_t done;

	CHECK_OK(be_born(&boards[1])); /* 256 bytes: a header of 64, and 6 units of 32 */
	CHECK_OK(rota_chunkmap_begin(&m, &map_region.port, digest, 1, 6, &done));
	CHECK_EQ(rota_chunkmap_begin(&m, &map_region.port, digest, 1, 7, &done), ROTA_ERR_FULL);
	CHECK_EQ(rota_chunkmap_begin(&m, &map_region.port, digest, 1, UINT32_MAX, &done),
		ROTA_ERR_FULL);
	rota_flash_sim_free(&sim);
}

/* Rot, and what fails without a cut: a mark is not made up, what lies is noticed, and a unit that takes no mark has
 * the map written anew. */
TEST(damage_says_not_done_and_is_mended)
{
	struct rota_chunkmap m;
	uint32_t done;
	bool yes;

	CHECK_OK(be_born(&boards[0]));
	CHECK_OK(begin(&m, &images[0], &done));
	CHECK_OK(rota_chunkmap_mark(&m, 0));
	CHECK_OK(rota_chunkmap_mark(&m, 1));
	CHECK_OK(rota_chunkmap_mark(&m, 4));
	CHECK_OK(rota_flash_sim_flip(&sim, 52, 0x10)); /* the mark of chunk 0 */
	CHECK_OK(rota_chunkmap_has(&m, 0, &yes));
	CHECK(!yes);
	CHECK_OK(rota_chunkmap_mark(&m, 0));
	CHECK_OK(begin(&m, &images[0], &done));
	CHECK_EQ(done, 2);
	CHECK_OK(rota_chunkmap_has(&m, 4, &yes));
	CHECK(!yes);
	rota_sim_supply_plan(&supply, 1, ROTA_SIM_SILENT, 1);
	CHECK_OK(rota_chunkmap_mark(&m, 3));
	CHECK_OK(begin(&m, &images[0], &done));
	CHECK_EQ(done, 2);
	CHECK_OK(rota_chunkmap_has(&m, 3, &yes));
	CHECK(yes);
	rota_sim_supply_plan(&supply, 1, ROTA_SIM_SILENT, 1);
	CHECK_EQ(begin(&m, &images[1], &done), ROTA_ERR_IO); /* nothing was erased */
	CHECK_EQ(sim.broken, 0);
	CHECK_OK(begin(&m, &images[1], &done));
	rota_flash_sim_free(&sim);
}

TESTS(T(after_every_cut_the_map_is_true_and_the_write_goes_on), T(a_map_is_of_one_image),
	T(a_map_has_room_for_so_many_chunks), T(damage_says_not_done_and_is_mended))
