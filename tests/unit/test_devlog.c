/* SPDX-License-Identifier: Apache-2.0 */
/* The device log: a chain that holds, whatever the power does between it and the journal. */
#include "rota/store/devlog.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/flash_mem.h"
#include "tests/unit/test.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define CRYPTO (&rota_crypto_openssl)
#define SEEN_MAX 512

static struct flash_mem flash;
static struct rota_logged at; /* what the journal says */

static struct {
	uint64_t number[SEEN_MAX], seq[SEEN_MAX];
	unsigned count;
} seen;

static enum rota_err take(void *ctx, const struct rota_devlog_entry *e)
{
	(void)ctx;
	if (seen.count == SEEN_MAX)
		return ROTA_ERR_LIMIT;
	seen.number[seen.count] = e->number;
	seen.seq[seen.count++] = e->seq;
	return ROTA_OK;
}

static enum rota_err read_log(void)
{
	seen.count = 0;
	return rota_devlog_read(&flash.port, CRYPTO, &at, NULL, take);
}

static enum rota_err append(uint64_t seq)
{
	struct rota_devlog_entry e = { .seq = seq, .kind = 3, .clause = 4, .counter = 5 };

	memset(e.release, (int)seq, sizeof(e.release));
	return rota_devlog_append(&flash.port, CRYPTO, &at, &e, &at);
}

static void blank(uint32_t sector_len, uint32_t sectors, uint32_t unit, uint8_t erased)
{
	memset(&at, 0, sizeof(at));
	flash_mem_init(&flash, sector_len, sectors, unit, erased);
}

static const struct {
	const char *name;
	uint32_t sector_len, sectors, unit;
	uint8_t erased;
} geometries[] = {
	{ "unit 1", 1024, 4, 1, 0xff },
	{ "unit 4, erased 0", 2048, 3, 4, 0x00 },
	{ "unit 32, two sectors", 1024, 2, 32, 0xff },
};

TEST(entries_come_back_in_their_order)
{
	for (size_t g = 0; g < ROWS(geometries); g++) {
		ROW(geometries[g].name);
		blank(geometries[g].sector_len, geometries[g].sectors, geometries[g].unit,
			geometries[g].erased);
		CHECK_OK(read_log());
		CHECK_EQ(seen.count, 0);
		for (uint64_t i = 0; i < 100; i++) {
			CHECK_OK(append(1000 + i));
			CHECK_EQ(at.count, i + 1);
			CHECK_OK(read_log());
			CHECK(seen.count > 0);
			CHECK_EQ(seen.number[seen.count - 1], i);
			for (unsigned k = 0; k < seen.count; k++) {
				CHECK_EQ(seen.number[k], i + 1 - seen.count + k);
				CHECK_EQ(seen.seq[k], 1000 + seen.number[k]);
			}
		}
		CHECK(seen.count < 100); /* the oldest made room */
		CHECK(seen.count > 3);
	}
	ROW(NULL);
}

/* SPEC 11.4, by hand: two entries. */
TEST(heads_are_those_of_the_text)
{
	struct rota_devlog_entry e = { .at_s = 1,
		.seq = 2,
		.version = 3,
		.counter = 4,
		.kind = 5,
		.clause = 6,
		.err = 7,
		.attempt = 8 };
	uint8_t message[14 + 32 + ROTA_DEVLOG_ENTRY_LEN] = "rota-devlog-v1", head[32];

	blank(1024, 2, 4, 0xff);
	memset(e.release, 0xaa, sizeof(e.release));
	memset(e.image, 0xbb, sizeof(e.image));
	CHECK_OK(rota_devlog_append(&flash.port, CRYPTO, &at, &e, &at));
	message[46 + 8] = 1;
	message[46 + 16] = 2;
	message[46 + 24] = 3;
	memset(message + 46 + 32, 0xaa, 32);
	memset(message + 46 + 64, 0xbb, 32);
	memcpy(message + 46 + 96, "\4\0\0\0\5\6\7\10", 8);
	rota_sha256_of(CRYPTO, ROTA_SPAN(message), head);
	CHECK_MEM(at.head, head, 32);
	CHECK_OK(rota_devlog_append(&flash.port, CRYPTO, &at, &e, &at));
	memcpy(message + 14, head, 32);
	message[46] = 1; /* its number */
	rota_sha256_of(CRYPTO, ROTA_SPAN(message), head);
	CHECK_MEM(at.head, head, 32);
}

TEST(what_was_changed_or_lost_is_seen)
{
	struct rota_logged good;

	blank(1024, 2, 4, 0xff);
	for (uint64_t i = 0; i < 5; i++)
		CHECK_OK(append(i));
	good = at;
	for (uint32_t byte = 0; byte < 48 + 5 * 108; byte += 7) {
		flash.bytes[byte] ^= 1;
		CHECK_EQ(read_log(), ROTA_ERR_CORRUPT);
		CHECK_EQ(seen.count, 0);
		flash.bytes[byte] ^= 1;
	}
	at.head[31] ^= 1;
	CHECK_EQ(read_log(), ROTA_ERR_CORRUPT);
	at = good;
	at.count++;
	CHECK_EQ(read_log(), ROTA_ERR_CORRUPT);
	at = good;
	CHECK_OK(read_log());
	CHECK_EQ(seen.count, 5);
}

/* What comes after it is not lost with it. */
TEST(behind_damage_the_log_goes_on)
{
	blank(1024, 3, 4, 0xff);
	for (uint64_t i = 0; i < 4; i++)
		CHECK_OK(append(i));
	flash.bytes[48 + 108 + 20] ^= 1; /* the second entry */
	CHECK_EQ(read_log(), ROTA_ERR_CORRUPT);
	CHECK_EQ(seen.count, 0);
	CHECK_OK(append(4));
	CHECK_EQ(read_log(), ROTA_ERR_CORRUPT);
	CHECK_EQ(seen.count, 1);
	for (uint64_t i = 5; i < 20; i++) {
		CHECK_OK(append(i));
		(void)!read_log(); /* the damage is told as long as it is there */
		CHECK(seen.count > 0);
		CHECK_EQ(seen.seq[seen.count - 1], i);
	}
	for (uint64_t i = 20; i < 40; i++)
		CHECK_OK(append(i));
	CHECK_OK(read_log()); /* the damage made room */
	CHECK_EQ(seen.seq[seen.count - 1], 39);
}

/* Power is cut at each operation of an append, in each way; the journal may or may not have heard of it. Then
 * another decision takes the number. */
TEST(a_cut_leaves_one_chain)
{
	unsigned cuts = 0;

	for (size_t g = 0; g < ROWS(geometries); g++) {
		for (unsigned before = 0; before < 12; before++) {
			for (uint32_t n = 1; n < 400; n += before % 3 + 1) {
				enum flash_tear tear = (enum flash_tear)(n % FLASH_TEAR_COUNT);
				struct rota_logged journal;
				bool done;

				blank(geometries[g].sector_len, geometries[g].sectors,
					geometries[g].unit, geometries[g].erased);
				for (uint64_t i = 0; i < before; i++)
					CHECK_OK(append(i));
				journal = at;
				flash_mem_cut_at(&flash, n, tear, n);
				done = append(500) == ROTA_OK;
				if (!flash.off)
					break;
				flash_mem_power(&flash);
				flash_mem_cut_at(&flash, 0, FLASH_TEAR_DONE, 1);
				if (!done)
					at = journal;
				for (uint64_t i = 0; i < 4; i++)
					CHECK_OK(append(900 + i));
				CHECK_OK(read_log());
				CHECK(seen.count >= 4);
				CHECK_EQ(seen.seq[seen.count - 4], 900);
				for (unsigned k = 0; k < seen.count && !done; k++)
					CHECK(seen.seq[k] != 500);
				cuts++;
			}
		}
	}
	CHECK(cuts > 500);
}

TEST(after_an_older_journal_the_newer_entries_are_void)
{
	struct rota_logged older;

	blank(1024, 3, 4, 0xff);
	for (uint64_t i = 0; i < 4; i++)
		CHECK_OK(append(i));
	older = at;
	for (uint64_t i = 4; i < 14; i++)
		CHECK_OK(append(i));
	at = older;
	CHECK_OK(read_log());
	CHECK_EQ(seen.count, 4);
	for (uint64_t i = 0; i < 12; i++) {
		CHECK_OK(append(700 + i));
		CHECK_OK(read_log());
		CHECK_EQ(seen.seq[seen.count - 1], 700 + i);
		CHECK_EQ(seen.number[seen.count - 1], 4 + i);
	}
}

/* Entries that no journal ever spoke of lie between those that count, one or several, anywhere. */
TEST(void_entries_are_passed_over_wherever_they_lie)
{
	uint64_t want[SEEN_MAX], random = 20;

	blank(4096, 3, 4, 0xff);
	for (uint64_t step = 0; step < 400; step++) {
		struct rota_logged journal = at;
		uint64_t voids = 0;

		random = random * 6364136223846793005 + 1442695040888963407;
		if (random >> 62 == 0)
			voids = 1 + (random >> 60) % 4;
		for (uint64_t i = 0; i < voids; i++)
			CHECK_OK(append(70000 + step));
		if (voids > 0)
			at = journal;
		want[at.count] = step;
		CHECK_OK(append(step));
		CHECK_OK(read_log());
		CHECK(seen.count > 0);
		CHECK_EQ(seen.number[seen.count - 1], at.count - 1);
		for (unsigned k = 0; k < seen.count; k++)
			CHECK_EQ(seen.seq[k], want[seen.number[k]]);
	}
}

static enum rota_err (*read_flash)(void *ctx, uint32_t off, struct rota_buf to);
static unsigned reads;

static enum rota_err count_read(void *ctx, uint32_t off, struct rota_buf to)
{
	reads++;
	return read_flash(ctx, off, to);
}

/* A sector of 128 KiB has over a thousand of them. */
TEST(each_place_is_read_a_few_times)
{
	unsigned places = (8192 - 48) / 108;

	blank(8192, 2, 4, 0xff);
	read_flash = flash.port.read;
	flash.port.read = count_read;
	for (unsigned i = 0; i < places; i++) {
		reads = 0;
		CHECK_OK(append(i));
		CHECK(reads <= 4 * places);
	}
	reads = 0;
	CHECK_OK(read_log());
	CHECK_EQ(seen.count, places);
	CHECK(reads <= 5 * places);
}

TEST(a_region_that_holds_nothing_is_refused)
{
	blank(128, 8, 32, 0xff);
	CHECK_EQ(append(1), ROTA_ERR_ARGUMENT);
	blank(1024, 1, 4, 0xff);
	CHECK_EQ(append(1), ROTA_ERR_ARGUMENT);
	CHECK_EQ(at.count, 0);
	blank(1024, 2, 4, 0xff);
	flash.off = true;
	CHECK_EQ(append(1), ROTA_ERR_IO);
	CHECK_EQ(at.count, 0);
}

TESTS(T(entries_come_back_in_their_order), T(heads_are_those_of_the_text),
	T(what_was_changed_or_lost_is_seen), T(behind_damage_the_log_goes_on),
	T(a_cut_leaves_one_chain), T(after_an_older_journal_the_newer_entries_are_void),
	T(void_entries_are_passed_over_wherever_they_lie), T(each_place_is_read_a_few_times),
	T(a_region_that_holds_nothing_is_refused))
