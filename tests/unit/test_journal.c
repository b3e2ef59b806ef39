/* SPDX-License-Identifier: Apache-2.0 */
/* The journal under a flash that loses power at each operation in turn, with each kind of tear. A script
 * of commits is run until the cut; after power-up the payload must be that of the last commit that
 * returned or of the one that was under way; then the rest of the script must go through. */
#include "rota/base/crc32.h"
#include "rota/base/writer.h"
#include "rota/store/journal.h"
#include "tests/unit/flash_mem.h"
#include "tests/unit/test.h"

#define COMMITS 14

struct geometry {
	const char *name;
	struct rota_flash_run run[ROTA_FLASH_RUNS_MAX];
	uint32_t unit;
	uint8_t erased;
};

static const struct geometry geometries[] = {
	{ "2 x 256, unit 1, 0xFF", { { 256, 2 } }, 1, 0xFF },
	{ "2 x 256, unit 8, 0xFF", { { 256, 2 } }, 8, 0xFF },
	{ "2 x 512, unit 32, 0xFF", { { 512, 2 } }, 32, 0xFF },
	{ "2 x 256, unit 1, 0x00", { { 256, 2 } }, 1, 0x00 },
	{ "3 x 256, unit 8, 0x00", { { 256, 3 } }, 8, 0x00 },
	{ "4 x 512, unit 32, 0x00", { { 512, 4 } }, 32, 0x00 },
	{ "1 x 512, 2 x 256, 1 x 1024, unit 4, 0xFF", { { 512, 1 }, { 256, 2 }, { 1024, 1 } }, 4,
		0xFF },
};
#define GEOMETRIES (sizeof(geometries) / sizeof(geometries[0]))

static struct flash_mem mem;

static void blank(const struct geometry *g)
{
	flash_mem_init_runs(&mem, g->run, g->unit, g->erased);
}

/* Payload of the n-th commit: its length varies, so that sectors end at every kind of place. */
static struct rota_span payload(int n, uint8_t room[static 160])
{
	size_t len = 1 + (size_t)(n * 37 % 113);

	memset(room, 0xA0 + n, len);
	room[0] = (uint8_t)n;
	return rota_span(room, len);
}

/* The number of the commit that is current; 0 none, -1 damaged or not as committed. */
static int current(struct rota_journal *j)
{
	uint8_t room[160], want[160];
	struct rota_span got;
	enum rota_err err = rota_journal_load(j, ROTA_BUF(room), &got);

	if (err == ROTA_ERR_NOT_FOUND || (err == ROTA_ERR_CORRUPT && !j->held))
		return 0;
	if (err != ROTA_OK || got.len == 0 || !rota_span_eq(got, payload(room[0], want)))
		return -1;
	return room[0];
}

/* Commits from..COMMITS; the number of the last that returned ROTA_OK. */
static int run(struct rota_journal *j, int from)
{
	uint8_t room[160];
	int done = from - 1;

	for (int n = from; n <= COMMITS; n++) {
		if (rota_journal_commit(j, payload(n, room)) != ROTA_OK)
			break;
		done = n;
	}
	return done;
}

static int cut_once(const struct geometry *g, uint32_t at, enum flash_tear tear, uint64_t seed)
{
	struct rota_journal j;
	int done, found;

	blank(g);
	if (rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT) != ROTA_OK)
		return -1;
	flash_mem_cut_at(&mem, at, tear, seed);
	done = run(&j, 1);
	if (done == COMMITS)
		return 1; /* past the last operation */
	flash_mem_power(&mem);
	if (rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT) != ROTA_OK)
		return -1;
	found = current(&j);
	if (found != done && found != done + 1)
		return -1;
	if (run(&j, found + 1) != COMMITS || current(&j) != COMMITS)
		return -1;
	if (rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT) != ROTA_OK)
		return -1;
	return current(&j) == COMMITS ? 0 : -1;
}

TEST(every_cut_leaves_the_old_payload_or_the_new_one)
{
	char row[96];
	int cuts = 0;

	for (size_t g = 0; g < GEOMETRIES; g++) {
		for (int tear = 0; tear < FLASH_TEAR_COUNT; tear++) {
			int result = 0;

			for (uint32_t i = 1; result == 0; i++) {
				/* what is lost unsynced is drawn: several draws for each of few cuts */
				bool drawn = tear == FLASH_TEAR_UNSYNCED && geometries[g].unit > 1;
				uint32_t draws = drawn ? 8 : 1;
				uint32_t at = (i - 1) / draws + 1;

				result = cut_once(&geometries[g], at, (enum flash_tear)tear, i);
				snprintf(row, sizeof(row), "%s, tear %d, cut %u",
					geometries[g].name, tear, (unsigned)at);
				ROW(row);
				CHECK(result >= 0);
				cuts++;
			}
		}
	}
	ROW(NULL);
	CHECK(cuts > 1000);
}

/* After the first cut and power-up, a second cut anywhere in what follows. */
static int cut_twice(const struct geometry *g, uint32_t first, uint32_t second)
{
	struct rota_journal j;
	int done, found;

	blank(g);
	if (rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT) != ROTA_OK)
		return -1;
	flash_mem_cut_at(&mem, first, FLASH_TEAR_HALF, first);
	if (run(&j, 1) == COMMITS)
		return 1;
	flash_mem_power(&mem);
	if (rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT) != ROTA_OK)
		return -1;
	found = current(&j);
	if (found < 0)
		return -1;
	flash_mem_cut_at(&mem, second, FLASH_TEAR_HALF, second);
	done = run(&j, found + 1);
	if (done == COMMITS)
		return 1;
	flash_mem_power(&mem);
	if (rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT) != ROTA_OK)
		return -1;
	found = current(&j);
	return found == done || found == done + 1 ? 0 : -1;
}

TEST(a_second_cut_is_no_worse)
{
	const struct geometry *g = &geometries[2];

	for (uint32_t first = 1; first < 60; first++) {
		for (uint32_t second = 1; second < 60; second += 2)
			CHECK(cut_twice(g, first, second) >= 0);
	}
}

TEST(a_failing_flash_is_an_error_and_the_next_commit_goes_on)
{
	uint8_t room[160];
	struct rota_journal j;

	blank(&geometries[1]);
	CHECK_OK(rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT));
	CHECK_OK(rota_journal_commit(&j, payload(1, room)));
	flash_mem_cut_at(&mem, 2, FLASH_TEAR_HALF, 5);
	CHECK_EQ(rota_journal_commit(&j, payload(2, room)), ROTA_ERR_IO);
	flash_mem_power(&mem); /* same struct, no new open */
	CHECK_EQ(current(&j), 1);
	CHECK_OK(rota_journal_commit(&j, payload(3, room)));
	CHECK_EQ(current(&j), 3);
}

TEST(blank_damaged_and_foreign_regions_are_told_apart)
{
	uint8_t room[160];
	struct rota_span got;
	struct rota_journal j;

	blank(&geometries[0]);
	CHECK_OK(rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT));
	CHECK_EQ(rota_journal_load(&j, ROTA_BUF(room), &got), ROTA_ERR_NOT_FOUND);

	CHECK_OK(rota_journal_commit(&j, payload(1, room)));
	CHECK_OK(rota_journal_open(&j, &mem.port, ROTA_JOURNAL_DEVICE));
	CHECK(!j.held);
	CHECK_EQ(rota_journal_load(&j, ROTA_BUF(room), &got), ROTA_ERR_CORRUPT);

	mem.bytes[30] ^= 1; /* inside the only record */
	CHECK_OK(rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT));
	CHECK_EQ(rota_journal_load(&j, ROTA_BUF(room), &got), ROTA_ERR_CORRUPT);
}

TEST(a_damaged_header_falls_back_to_the_sector_before)
{
	uint8_t room[160];
	struct rota_journal j;
	uint32_t first;
	int n = 1;

	blank(&geometries[0]);
	CHECK_OK(rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT));
	CHECK_OK(rota_journal_commit(&j, payload(n, room)));
	first = j.sector;
	while (j.sector == first)
		CHECK_OK(rota_journal_commit(&j, payload(++n, room)));
	mem.bytes[j.sector * 256 + 4] ^= 1;
	CHECK_OK(rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT));
	CHECK_EQ(current(&j), n - 1);
}

TEST(flash_that_changes_after_opening_is_seen)
{
	uint8_t room[160], want[160];
	struct rota_span got;
	struct rota_journal j;

	blank(&geometries[0]);
	CHECK_OK(rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT));
	CHECK_OK(rota_journal_commit(&j, payload(3, want)));
	CHECK_OK(rota_journal_load(&j, ROTA_BUF(room), &got));
	mem.bytes[j.payload_off] ^= 1;
	CHECK_EQ(rota_journal_load(&j, ROTA_BUF(room), &got), ROTA_ERR_CORRUPT);
}

static enum rota_err forget(void *ctx, uint32_t off, struct rota_span from)
{
	(void)ctx;
	(void)off;
	(void)from;
	return ROTA_OK;
}

TEST(flash_that_keeps_nothing_commits_nothing)
{
	struct rota_flash lies;
	struct rota_journal j;
	uint8_t room[160];

	blank(&geometries[0]);
	lies = mem.port;
	lies.write = forget;
	CHECK_OK(rota_journal_open(&j, &lies, ROTA_JOURNAL_BOOT));
	CHECK_EQ(rota_journal_commit(&j, payload(1, room)), ROTA_ERR_IO);
}

/* SPEC 9.3: a record that does not count on from the one before is no record of this journal. */
TEST(a_record_that_skips_a_number_is_not_read)
{
	struct rota_journal j, skips;
	uint8_t room[160];

	blank(&geometries[2]);
	CHECK_OK(rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT));
	CHECK_OK(rota_journal_commit(&j, payload(1, room)));
	skips = j;
	skips.number += 5;
	CHECK_OK(rota_journal_commit(&skips, payload(2, room)));
	CHECK_OK(rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT));
	CHECK_EQ(current(&j), 1);
}

/* SPEC 9.2: records lie in their sector, whatever their CRC says. */
TEST(a_record_that_reaches_into_the_next_sector_is_not_read)
{
	struct rota_journal j;
	uint8_t room[160], *rec = &mem.bytes[12];
	struct rota_writer w = rota_writer(rota_buf(rec, 8));
	const uint32_t len = 300;

	blank(&geometries[0]);
	CHECK_OK(rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT));
	CHECK_OK(rota_journal_commit(&j, payload(1, room)));
	rota_write_le16(&w, (uint16_t)len);
	rota_write_u8(&w, ROTA_JOURNAL_BOOT);
	rota_write_u8(&w, 1);
	rota_write_le32(&w, 1);
	w = rota_writer(rota_buf(&rec[8 + len], 4));
	rota_write_le32(&w, rota_crc32(j.seed, rota_span(rec, 8 + len)));
	CHECK_OK(rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT));
	CHECK(!j.held);
}

TEST(lengths_have_limits)
{
	static uint8_t big[ROTA_JOURNAL_PAYLOAD_MAX + 1], room[ROTA_JOURNAL_PAYLOAD_MAX];
	struct rota_journal j;
	struct rota_span got;

	flash_mem_init(&mem, 4096, 2, 8, 0xFF);
	CHECK_OK(rota_journal_open(&j, &mem.port, ROTA_JOURNAL_DEVICE));
	CHECK_EQ(rota_journal_commit(&j, ROTA_SPAN(big)), ROTA_ERR_LIMIT);
	CHECK_OK(rota_journal_commit(&j, rota_span(big, ROTA_JOURNAL_PAYLOAD_MAX)));
	CHECK_OK(rota_journal_load(&j, ROTA_BUF(room), &got));
	CHECK_EQ(got.len, ROTA_JOURNAL_PAYLOAD_MAX);
	CHECK_EQ(rota_journal_load(&j, rota_buf(room, 100), &got), ROTA_ERR_LIMIT);
	CHECK_OK(rota_journal_commit(&j, rota_span(NULL, 0)));
	CHECK_OK(rota_journal_load(&j, ROTA_BUF(room), &got));
	CHECK_EQ(got.len, 0);
	CHECK_EQ(j.number, 2);

	blank(&geometries[0]);
	CHECK_OK(rota_journal_open(&j, &mem.port, ROTA_JOURNAL_DEVICE));
	CHECK_EQ(rota_journal_commit(&j, rota_span(big, 256 - 12 - 12 + 1)), ROTA_ERR_FULL);
	CHECK_OK(rota_journal_commit(&j, rota_span(big, 256 - 12 - 12)));
}

TEST(geometries_that_fit_no_journal_are_refused)
{
	static const struct geometry bad[] = {
		{ "one sector", { { 256, 1 } }, 8, 0xFF },
		{ "unit above the largest", { { 256, 2 } }, 64, 0xFF },
		{ "unit is no power of two", { { 252, 2 } }, 12, 0xFF },
		{ "sector is no multiple of the unit", { { 250, 2 } }, 4, 0xFF },
		{ "sector too small", { { 16, 2 } }, 8, 0xFF },
		{ "one of the sectors too small", { { 256, 2 }, { 16, 1 } }, 8, 0xFF },
	};
	struct rota_journal j;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ROW(bad[i].name);
		blank(&bad[i]);
		CHECK_EQ(rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT), ROTA_ERR_ARGUMENT);
	}
}

TESTS(T(every_cut_leaves_the_old_payload_or_the_new_one), T(a_second_cut_is_no_worse),
	T(a_failing_flash_is_an_error_and_the_next_commit_goes_on),
	T(blank_damaged_and_foreign_regions_are_told_apart),
	T(a_damaged_header_falls_back_to_the_sector_before),
	T(flash_that_changes_after_opening_is_seen), T(flash_that_keeps_nothing_commits_nothing),
	T(a_record_that_skips_a_number_is_not_read),
	T(a_record_that_reaches_into_the_next_sector_is_not_read), T(lengths_have_limits),
	T(geometries_that_fit_no_journal_are_refused))
