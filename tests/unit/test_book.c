/* SPDX-License-Identifier: Apache-2.0 */
/* Books of psks: their bytes, their rows, and what follows from what. */
#include "host/campaign/book.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "ports/posix/posix.h"
#include "rota/base/mem.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <unistd.h>

#define ROWS 200 /* more than are written at once */

static uint8_t key[ROTA_KEYWRAP_KEY_LEN] = "a book key";
static const struct rota_book_tools tools = { &rota_crypto_openssl, &rota_aead_openssl, key };
static char path[ROTA_FILE_PATH_MAX];
static struct rota_book_maker maker;
static struct rota_book book;
static struct rota_fail why;

static struct rota_book_row row_of(uint32_t n)
{
	struct rota_book_row row = { .counter = n + 1, .proved = n, .delivered = n + 2 };

	row.device[0] = (uint8_t)n;
	row.device[31] = 7;
	memset(row.proved_psk, (int)(n % 251), sizeof(row.proved_psk));
	memset(row.delivered_psk, (int)(n % 241), sizeof(row.delivered_psk));
	return row;
}

static bool make(uint32_t rows)
{
	rota_book_path(tempdir_fresh(), 3, path);
	if (rota_book_make(&maker, path, 3, rows, &rota_random_posix, &tools, &why) != ROTA_OK)
		return false;
	for (uint32_t i = 0; i < rows; i++) {
		struct rota_book_row row = row_of(i);

		if (rota_book_add(&maker, &row, &why) != ROTA_OK)
			return false;
	}
	return rota_book_place(&maker, &why) == ROTA_OK;
}

TEST(rows_come_out_as_they_went_in)
{
	static const uint32_t sizes[] = { 0, 1, 63, 64, 65, ROWS };

	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		CHECK(make(sizes[s]));
		CHECK_OK(rota_book_open(&book, path, 3, &tools, &why));
		CHECK_EQ(book.rows, sizes[s]);
		for (uint32_t i = 0; i < sizes[s]; i++) {
			struct rota_book_row got, want = row_of(i);
			uint32_t n;

			CHECK_OK(rota_book_read(&book, i, &got, &why));
			CHECK_MEM(&got, &want, sizeof(got));
			CHECK_OK(rota_book_seek(&book, want.device, &n, &why));
			CHECK_EQ(n, i);
			want.device[31]++;
			CHECK_OK(rota_book_seek(&book, want.device, &n, &why));
			CHECK_EQ(n, i + 1);
		}
		CHECK_EQ(rota_book_read(&book, sizes[s], &(struct rota_book_row){ 0 }, &why),
			ROTA_ERR_ARGUMENT);
		rota_book_close(&book);
	}
	tempdir_remove();
}

TEST(a_book_that_is_not_there_has_no_rows)
{
	rota_book_path(tempdir_fresh(), 3, path);
	CHECK_OK(rota_book_open(&book, path, 3, &tools, &why));
	CHECK_EQ(book.rows, 0);
	rota_book_close(&book);
	tempdir_remove();
}

static bool patch(size_t at, uint8_t bit)
{
	struct rota_bytes all;
	bool done;

	if (rota_file_read(path, 1 << 20, &all, &why) != ROTA_OK)
		return false;
	all.p[at] ^= bit;
	done = rota_file_write(path, rota_bytes_span(&all), 0600, &why) == ROTA_OK;
	rota_bytes_free(&all);
	return done;
}

/* Each bit of it counts, and a row in another's place is none. */
TEST(a_book_that_was_changed)
{
	struct rota_book_row row;

	CHECK(make(3));
	for (size_t at = 0; at < ROTA_BOOK_HEAD_LEN; at++) {
		CHECK(patch(at, 1));
		CHECK_EQ(rota_book_open(&book, path, 3, &tools, &why),
			at == 7 ? ROTA_ERR_UNSUPPORTED : ROTA_ERR_FORMAT);
		CHECK(patch(at, 1));
	}
	for (size_t at = ROTA_BOOK_HEAD_LEN; at < ROTA_BOOK_HEAD_LEN + 2 * ROTA_BOOK_ROW_LEN;
		at++) {
		uint32_t n = (uint32_t)(at - ROTA_BOOK_HEAD_LEN) / ROTA_BOOK_ROW_LEN;

		CHECK(patch(at, 0x80));
		CHECK_OK(rota_book_open(&book, path, 3, &tools, &why));
		CHECK_EQ(rota_book_read(&book, n, &row, &why), ROTA_ERR_CORRUPT);
		CHECK_OK(rota_book_read(&book, 2, &row, &why));
		rota_book_close(&book);
		CHECK(patch(at, 0x80));
	}
	CHECK_EQ(rota_book_open(&book, path, 2, &tools, &why), ROTA_ERR_FORMAT);
	CHECK_EQ(truncate(path, ROTA_BOOK_HEAD_LEN + 2 * ROTA_BOOK_ROW_LEN), 0);
	CHECK_EQ(rota_book_open(&book, path, 3, &tools, &why), ROTA_ERR_FORMAT);
	tempdir_remove();
}

TEST(a_row_in_the_place_of_another)
{
	struct rota_book_row row;
	struct rota_bytes all;
	uint8_t one[ROTA_BOOK_ROW_LEN], *rows;

	CHECK(make(2));
	CHECK_OK(rota_file_read(path, 1 << 20, &all, &why));
	rows = all.p + ROTA_BOOK_HEAD_LEN;
	memcpy(one, rows, sizeof(one));
	memcpy(rows, rows + sizeof(one), sizeof(one));
	memcpy(rows + sizeof(one), one, sizeof(one));
	CHECK_OK(rota_file_write(path, rota_bytes_span(&all), 0600, &why));
	rota_bytes_free(&all);
	CHECK_OK(rota_book_open(&book, path, 3, &tools, &why));
	CHECK_EQ(rota_book_read(&book, 0, &row, &why), ROTA_ERR_CORRUPT);
	rota_book_close(&book);
	tempdir_remove();
}

/* The nonce is the row's number: two books of the same rows have nothing in common. */
TEST(a_book_is_sealed_anew_each_time)
{
	struct rota_bytes first, second;

	CHECK(make(2));
	CHECK_OK(rota_file_read(path, 1 << 20, &first, &why));
	CHECK(make(2));
	CHECK_OK(rota_file_read(path, 1 << 20, &second, &why));
	CHECK_EQ(first.len, second.len);
	for (size_t at = ROTA_BOOK_HEAD_LEN; at + 16 <= first.len; at += 16)
		CHECK(memcmp(first.p + at, second.p + at, 16) != 0);
	rota_bytes_free(&first);
	rota_bytes_free(&second);
	tempdir_remove();
}

TEST(rows_that_do_not_belong_there)
{
	struct rota_book_row row = row_of(5);

	rota_book_path(tempdir_fresh(), 3, path);
	CHECK_OK(rota_book_make(&maker, path, 3, 2, &rota_random_posix, &tools, &why));
	CHECK_OK(rota_book_add(&maker, &row, &why));
	CHECK_EQ(rota_book_add(&maker, &row, &why), ROTA_ERR_ARGUMENT);
	row = row_of(4);
	CHECK_EQ(rota_book_add(&maker, &row, &why), ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_book_place(&maker, &why), ROTA_ERR_ARGUMENT);
	row = row_of(6);
	CHECK_OK(rota_book_add(&maker, &row, &why));
	row = row_of(7);
	CHECK_EQ(rota_book_add(&maker, &row, &why), ROTA_ERR_ARGUMENT);
	rota_book_drop(&maker);
	CHECK(!rota_file_exists(path));
	tempdir_remove();
}

static struct rota_book_range range;

static enum rota_err write_range(uint32_t first, uint32_t end)
{
	enum rota_err err = rota_book_range(&range, &maker, first, end, &why);

	for (uint32_t i = first; err == ROTA_OK && i < end; i++) {
		struct rota_book_row row = row_of(i);

		err = rota_book_range_add(&range, &row, &why);
	}
	if (err == ROTA_OK)
		err = rota_book_range_end(&range, &maker, &why);
	rota_book_range_drop(&range);
	return err;
}

/* As threads do it: from anywhere to anywhere, in any order. */
TEST(ranges_make_the_same_rows)
{
	static const uint32_t bounds[] = { 0, 1, 100, 100, 165, ROWS };
	struct rota_book_row got, row = row_of(3);

	rota_book_path(tempdir_fresh(), 3, path);
	CHECK_OK(rota_book_make(&maker, path, 3, ROWS, &rota_random_posix, &tools, &why));
	for (size_t i = 4; i > 0; i--)
		CHECK_OK(write_range(bounds[i], bounds[i + 1]));
	CHECK_EQ(rota_book_place(&maker, &why), ROTA_ERR_ARGUMENT); /* the first is not there */
	CHECK_OK(rota_book_range(&range, &maker, 0, 1, &why));
	CHECK_EQ(rota_book_range_end(&range, &maker, &why), ROTA_ERR_ARGUMENT);
	CHECK_OK(rota_book_range_add(&range, &row, &why));
	CHECK_EQ(rota_book_range_add(&range, &row, &why), ROTA_ERR_ARGUMENT);
	rota_book_range_drop(&range);
	CHECK_OK(write_range(0, 1));
	CHECK_OK(rota_book_place(&maker, &why));
	CHECK_OK(rota_book_open(&book, path, 3, &tools, &why));
	for (uint32_t i = 0; i < ROWS; i++) {
		row = row_of(i);
		CHECK_OK(rota_book_read(&book, i, &got, &why));
		CHECK_MEM(&got, &row, sizeof(got));
	}
	rota_book_close(&book);
	tempdir_remove();
}

/* SPEC 31.5, 37.4: `has` is delivered and proved of the row, 0 without one. */
static const struct {
	const char *what;
	uint32_t delivered, proved, says;
	bool factory, emergency;
	int psk; /* 'd', 'p', 'f', or 0 for none */
	uint32_t kept; /* generation that the next row says is proved */
} psks[] = {
	{ "nothing at all", 0, 0, 0, false, false, 0, 0 },
	{ "the factory's", 0, 0, 0, true, false, 'f', 0 },
	{ "delivered, and not proved", 3, 0, 0, false, false, 0, 0 },
	{ "delivered, not proved, and the factory's", 3, 0, 0, true, false, 'f', 0 },
	{ "delivered and proved", 3, 2, 3, true, false, 'd', 3 },
	{ "the one before is what it proved", 3, 2, 2, true, false, 'p', 2 },
	{ "it proved one that is not in the book", 3, 2, 1, false, false, 0, 0 },
	{ "so, and the factory's", 3, 2, 1, true, false, 'f', 0 },
	{ "an emergency", 3, 2, 3, true, true, 'f', 3 },
	{ "an emergency without the factory's", 3, 2, 3, false, true, 'd', 3 },
	{ "its data keys were lost", 3, 2, 0, true, false, 'f', 0 },
};

TEST(which_psk_and_what_follows)
{
	for (size_t i = 0; i < sizeof(psks) / sizeof(psks[0]); i++) {
		struct rota_book_row own = { .delivered = psks[i].delivered,
			.proved = psks[i].proved };
		struct rota_book_row factory = { 0 }, next, again;
		const struct rota_book_row *has = psks[i].delivered ? &own : NULL;
		const uint8_t *psk;
		uint8_t new[32];

		ROW(psks[i].what);
		memset(own.delivered_psk, 'd', 32);
		memset(own.proved_psk, 'p', 32);
		memset(factory.delivered_psk, 'f', 32);
		memset(new, 'n', 32);
		psk = rota_book_psk(
			has, psks[i].factory ? &factory : NULL, psks[i].says, psks[i].emergency);
		CHECK_EQ(psk ? psk[0] : 0, psks[i].psk);
		rota_book_next(has, psks[i].says, 4, new, &next);
		CHECK_EQ(next.delivered, 4);
		CHECK_MEM(next.delivered_psk, new, 32);
		CHECK_EQ(next.proved, psks[i].kept);
		CHECK_EQ(next.proved_psk[0],
			!psks[i].kept                               ? 0
				: psks[i].kept == psks[i].delivered ? 'd'
								    : 'p');
		rota_book_next(&next, psks[i].says, 4, new, &again);
		CHECK_MEM(&again, &next, sizeof(again));
	}
	ROW(NULL);
}

/* A device that was asleep takes generation 3 between the export and the list of generation 4, and tells of it afterwards. */
TEST(the_generation_before_the_last_may_still_be_proved)
{
	struct rota_book_row third = { .delivered = 3 }, fourth, fifth;
	uint8_t new[32];

	memset(third.delivered_psk, '3', 32);
	memset(new, '4', 32);
	rota_book_next(&third, 0, 4, new, &fourth);
	CHECK_EQ(fourth.before, 3);
	CHECK_EQ(rota_book_psk(&fourth, NULL, 3, false)[0], '3');
	CHECK_EQ(rota_book_psk(&fourth, NULL, 4, false)[0], '4');
	memset(new, '5', 32);
	rota_book_next(&fourth, 3, 5, new, &fifth);
	CHECK_EQ(fifth.proved, 3);
	CHECK_EQ(rota_book_psk(&fifth, NULL, 3, false)[0], '3');
	CHECK_EQ(rota_book_psk(&fifth, NULL, 4, false)[0], '4');
	CHECK_EQ(rota_book_psk(&fifth, NULL, 5, false)[0], '5');
}

TESTS(T(rows_come_out_as_they_went_in), T(a_book_that_is_not_there_has_no_rows),
	T(a_book_that_was_changed), T(a_row_in_the_place_of_another),
	T(a_book_is_sealed_anew_each_time), T(rows_that_do_not_belong_there),
	T(ranges_make_the_same_rows), T(which_psk_and_what_follows),
	T(the_generation_before_the_last_may_still_be_proved))
