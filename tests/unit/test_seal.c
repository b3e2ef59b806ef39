/* SPDX-License-Identifier: Apache-2.0 */
/* A campaign sealed for a fleet in a folder, and each bundle of it opened by its device. */
#include "host/campaign/confirm.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "rota/base/mem.h"
#include "tests/unit/seal_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

static struct seal_scene s;
static uint8_t secrets[SEAL_SCENE_MAX][ROTA_SECRET_LEN];

static enum rota_err run(void)
{
	return rota_seal_run(&s.plan, &s.result, &s.why);
}

/* What follows from what a device got. */
static void follow(uint32_t device, const uint8_t *secret, enum rota_key_use use, uint8_t *out)
{
	const struct rota_datakey of = { s.plan.purpose, s.plan.cipher, s.plan.generation,
		s.rows[device].device };

	if (rota_datakey_derive(&rota_crypto_openssl, secret, &of, use, rota_buf(out, 32)) !=
		ROTA_OK)
		abort();
}

/* Row of a device in the telemetry book; false: none. */
static bool booked(uint32_t device, struct rota_book_row *row)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_book book;
	uint32_t n;
	bool found;

	rota_book_path(s.dir, s.plan.purpose, path);
	if (rota_book_open(&book, path, s.plan.purpose, &s.tools, &s.why) != ROTA_OK)
		return false;
	found = rota_book_seek(&book, s.rows[device].device, &n, &s.why) == ROTA_OK &&
		n < book.rows && rota_book_read(&book, n, row, &s.why) == ROTA_OK &&
		memcmp(row->device, s.rows[device].device, 32) == 0;
	rota_book_close(&book);
	return found;
}

static void psk_of(uint32_t device, uint8_t psk[static 32])
{
	memset(psk, 0x40, 32);
	memcpy(psk, &device, sizeof(device));
}

static void factory_row(uint32_t device, struct rota_book_row *row)
{
	psk_of(device, row->delivered_psk);
}

static bool confirms(uint32_t index, const uint8_t *want)
{
	struct rota_confirm head;
	struct rota_bytes all;
	bool good;

	if (rota_file_read(seal_scene_path(&s, "confirm"), 1 << 20, &all, &s.why) != ROTA_OK)
		return false;
	good = rota_confirm_decode(all.p, all.len, &head) == ROTA_OK &&
		head.size == s.result.size && memcmp(head.root, s.result.root, 32) == 0 &&
		memcmp(all.p + rota_confirm_at(index), want, 32) == 0;
	rota_bytes_free(&all);
	return good;
}

/* Three chunks, the last one not full, by four threads. Every device opens its bundle and finds in copies, confirmation
 * keys and book what follows from it. */
TEST(every_device_gets_a_secret_of_its_own)
{
	seal_scene_begin(&s, 2500);
	s.plan.threads = 4;
	CHECK_OK(run());
	CHECK_EQ(s.result.size, 2500);
	CHECK_EQ(s.result.base, 2500);
	CHECK_EQ(s.result.kept, 0);
	CHECK_EQ(s.sealed, 1);
	CHECK_EQ(s.opened, 0);
	CHECK(seal_scene_copies(&s, secrets));
	for (uint32_t i = 0; i < s.count; i++) {
		uint8_t secret[32], bundle[ROTA_KEYBUNDLE_LEN], key[32];
		struct rota_book_row row;
		uint32_t index;

		CHECK_OK(seal_scene_open(&s, i, NULL, 0, secret));
		CHECK(seal_scene_find(&s, i, &index, bundle));
		CHECK_MEM(secret, secrets[index], 32);
		follow(i, secret, ROTA_USE_CONFIRM, key);
		CHECK(confirms(index, key));
		follow(i, secret, ROTA_USE_PSK, key);
		CHECK(booked(i, &row));
		CHECK_MEM(row.delivered_psk, key, 32);
		CHECK_EQ(row.delivered, 2);
		CHECK_EQ(row.proved, 0);
		CHECK_EQ(row.counter, 1);
	}
	for (uint32_t i = 1; i < s.count; i++)
		CHECK(memcmp(secrets[i - 1], secrets[i], 32) != 0);
	tempdir_remove();
}

TEST(who_asks_again_hears_the_same)
{
	struct rota_seal_result first;

	seal_scene_begin(&s, 3);
	CHECK_OK(run());
	first = s.result;
	CHECK_OK(run());
	CHECK_MEM(s.result.root, first.root, 32);
	CHECK_EQ(s.result.size, 3);
	CHECK_EQ(s.result.kept, 3);
	CHECK_EQ(s.result.bytes, first.bytes);
	CHECK_EQ(s.sealed, 1);
	tempdir_put("x", ""); /* the folder has nothing of the making left */
	CHECK_EQ(tempdir_count(), 8);
	tempdir_remove();
}

/* SPEC 31.5. Device 0 has nothing, 1 a factory secret, 2 both, 3 proved what was delivered, 4 a factory secret and it
 * proved what nobody knows any more. */
static void own_row(uint32_t device, struct rota_book_row *row)
{
	row->delivered = 2;
	psk_of(device + 100, row->delivered_psk);
	row->proved = 1;
	psk_of(device + 200, row->proved_psk);
}

static void psk_scene(bool emergency)
{
	static const uint32_t factory[] = { 1, 2, 4 }, own[] = { 2, 3, 4 };

	seal_scene_begin(&s, 5);
	s.plan.generation = 4;
	s.plan.emergency = emergency;
	s.rows[2].proved[0] = 1;
	s.rows[3].proved[0] = 2;
	s.rows[4].proved[0] = 3;
	seal_scene_export(&s);
	if (!seal_scene_book(&s, ROTA_BOOK_FACTORY, factory, 3, factory_row) ||
		!seal_scene_book(&s, s.plan.purpose, own, 3, own_row))
		abort();
}

TEST(the_psk_is_the_newest_that_was_proved)
{
	static const struct {
		const char *what;
		bool emergency;
		uint32_t psk[5]; /* of psk_of(); 0: base mode */
	} rows[] = {
		{ "by schedule", false, { 0, 1, 202, 103, 4 } },
		{ "in an emergency the factory's goes first", true, { 0, 1, 2, 103, 4 } },
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		ROW(rows[r].what);
		psk_scene(rows[r].emergency);
		CHECK_OK(run());
		CHECK_EQ(s.result.base, 1);
		for (uint32_t i = 0; i < 5; i++) {
			uint8_t psk[1][32], wrong[1][32], secret[32];
			uint8_t count = rows[r].psk[i] != 0;

			psk_of(rows[r].psk[i], psk[0]);
			psk_of(77, wrong[0]);
			CHECK_OK(seal_scene_open(&s, i, psk, count, secret));
			CHECK_EQ(seal_scene_open(&s, i, wrong, 1, secret),
				count ? ROTA_ERR_NOT_FOUND : ROTA_ERR_DENIED);
		}
	}
	ROW(NULL);
	tempdir_remove();
}

/* What was delivered becomes the psk once the registry says that it was proved, and no sooner. */
TEST(a_campaign_after_another)
{
	uint8_t first[2][32], psk[1][32], secret[32];
	struct rota_book_row row;

	seal_scene_begin(&s, 2);
	CHECK_OK(run());
	for (uint32_t i = 0; i < 2; i++)
		CHECK_OK(seal_scene_open(&s, i, NULL, 0, first[i]));
	follow(0, first[0], ROTA_USE_PSK, psk[0]);
	s.rows[0].proved[0] = 2;
	s.rows[0].counter = 2;
	seal_scene_export(&s);
	s.plan.generation = 3;
	s.plan.campaign[0] ^= 1;
	CHECK_OK(run());
	CHECK_EQ(s.result.base, 1);
	CHECK_OK(seal_scene_open(&s, 0, psk, 1, secret));
	CHECK_OK(seal_scene_open(&s, 1, NULL, 0, secret));
	CHECK(booked(0, &row));
	CHECK_EQ(row.counter, 2);
	CHECK_EQ(row.proved, 2);
	CHECK_MEM(row.proved_psk, psk[0], 32);
	CHECK_EQ(row.delivered, 3);
	tempdir_remove();
}

/* Rows that are true and of no use. What the book had of their devices stays. */
static void old_row(uint32_t device, struct rota_book_row *row)
{
	row->counter = device == 1 ? 9 : 1;
	row->delivered = device == 6 ? 3 : 1;
	psk_of(device, row->delivered_psk);
}

static void third_row(uint32_t device, struct rota_book_row *row)
{
	row->counter = device % 6 == 0 ? 9 : 1;
	row->delivered = 1;
	psk_of(device, row->delivered_psk);
}

/* The next book is made by several threads, a thousand rows of the export each: a third of the devices is in the old one, a half of those
 * is left out of the campaign and stays as it is. */
TEST(the_next_book_has_what_the_old_one_had)
{
	static uint32_t own[1000];
	struct rota_book_row row;

	seal_scene_begin(&s, 3000);
	s.plan.threads = 4;
	for (uint32_t i = 0; i < 1000; i++)
		own[i] = 3 * i;
	CHECK(seal_scene_book(&s, s.plan.purpose, own, 1000, third_row));
	CHECK_OK(run());
	CHECK_EQ(s.result.size, 2500);
	CHECK_EQ(s.result.skipped[ROTA_INDEX_STALE], 500);
	for (uint32_t i = 0; i < 3000; i++) {
		CHECK(booked(i, &row));
		CHECK_EQ(row.counter, i % 6 == 0 ? 9 : 1);
		CHECK_EQ(row.delivered, i % 6 == 0 ? 1 : 2);
		CHECK_EQ(row.before, i % 6 == 3 ? 1 : 0);
	}
	tempdir_remove();
}

static uint8_t told[8];

static void tell(void *ctx, const uint8_t *device, enum rota_index_skip why)
{
	for (uint32_t i = 0; i < s.count; i++)
		if (memcmp(device, s.rows[i].device, 32) == 0)
			told[i] = (uint8_t)why;
	*(unsigned *)ctx += 1;
}

TEST(who_is_left_out_is_told)
{
	static const uint32_t own[] = { 1, 6 }, factory[] = { 4, 5 };
	static const uint8_t want[7] = { ROTA_INDEX_GONE, ROTA_INDEX_STALE, ROTA_INDEX_HAS,
		ROTA_INDEX_MUTE, 0, 0, ROTA_INDEX_LATER };
	struct rota_book_row row;
	unsigned times = 0;

	seal_scene_begin(&s, 7);
	s.plan.skip = tell;
	s.plan.skip_ctx = &times;
	s.rows[0].flags = ROTA_ROW_GONE;
	s.rows[1].counter = 8;
	s.rows[2].proved[0] = 2;
	s.rows[3].proved[0] = 1;
	s.rows[4].proved[0] = 1;
	seal_scene_export(&s);
	CHECK(seal_scene_book(&s, s.plan.purpose, own, 2, old_row));
	CHECK(seal_scene_book(&s, ROTA_BOOK_FACTORY, factory, 2, factory_row));
	CHECK_OK(run());
	CHECK_EQ(times, 5);
	CHECK_MEM(told, want, sizeof(want));
	CHECK_EQ(s.result.size, 2);
	for (unsigned i = ROTA_INDEX_GONE; i < ROTA_INDEX_SEALED; i++)
		CHECK_EQ(s.result.skipped[i], 1);
	CHECK_EQ(s.result.skipped[ROTA_INDEX_SEALED], 0);
	CHECK(booked(6, &row)); /* the book stays with what went out last */
	CHECK_EQ(row.delivered, 3);
	CHECK(booked(1, &row));
	CHECK_EQ(row.counter, 9);
	CHECK_EQ(row.delivered, 1);
	CHECK(booked(4, &row));
	CHECK(!booked(3, &row));
	tempdir_remove();
}

/* ---- supplements: SPEC 32.6, 37.6 ---- */

/* Another agree key for a device; those that have it open with it from now on. */
static void new_agree(uint32_t device)
{
	if (rota_p256_openssl.make(rota_p256_openssl.ctx, s.agree_secret, s.agree) != ROTA_OK)
		abort();
	memcpy(s.rows[device].agree, s.agree, sizeof(s.agree));
	s.rows[device].counter++;
}

/* The next tree, for so many devices. */
static enum rota_err run_next(uint32_t count)
{
	s.count = count;
	seal_scene_export(&s);
	s.plan.tree++;
	return run();
}

static bool same_confirm(uint32_t device, const uint8_t *secret)
{
	uint8_t bundle[ROTA_KEYBUNDLE_LEN], key[32];
	uint32_t index;

	follow(device, secret, ROTA_USE_CONFIRM, key);
	return seal_scene_find(&s, device, &index, bundle) && confirms(index, key);
}

static void other_factory_row(uint32_t device, struct rota_book_row *row)
{
	(void)device;
	psk_of(50, row->delivered_psk);
}

/* Device 0 is as it was, 1 came by a factory secret, 2 by another agree key, 3 has proved it; 4 and 5 are new. */
TEST(who_has_a_secret_keeps_it)
{
	static const uint32_t factory[] = { 1 };
	uint8_t first[4][32], psk[1][32], got[6][32], key[32];
	struct rota_book_row row;

	seal_scene_begin(&s, 6);
	s.count = 4;
	seal_scene_export(&s);
	CHECK_OK(run());
	for (uint32_t i = 0; i < 4; i++)
		CHECK_OK(seal_scene_open(&s, i, NULL, 0, first[i]));
	CHECK(seal_scene_book(&s, ROTA_BOOK_FACTORY, factory, 1, factory_row));
	s.rows[3].proved[0] = 2;
	psk_of(1, psk[0]);
	CHECK_OK(run_next(6));
	CHECK_EQ(s.result.size, 3);
	CHECK_EQ(s.result.again, 1);
	CHECK_EQ(s.result.skipped[ROTA_INDEX_SEALED], 2);
	CHECK_EQ(s.result.skipped[ROTA_INDEX_HAS], 1);
	CHECK_EQ(s.opened, 1);
	CHECK_OK(seal_scene_open(&s, 1, psk, 1, got[1]));
	CHECK_MEM(got[1], first[1], 32);
	CHECK(same_confirm(1, first[1]));
	for (uint32_t i = 4; i < 6; i++) {
		CHECK_OK(seal_scene_open(&s, i, NULL, 0, got[i]));
		CHECK(memcmp(got[i], first[0], 32) != 0 && memcmp(got[i], first[1], 32) != 0);
	}
	for (uint32_t i = 0; i < 3; i++) {
		follow(i, first[i], ROTA_USE_PSK, key);
		CHECK(booked(i, &row));
		CHECK_MEM(row.delivered_psk, key, 32);
	}
	CHECK_EQ(run_next(6), ROTA_ERR_NOT_FOUND); /* all have what they need */
	s.plan.tree--;
	CHECK(seal_scene_book(&s, ROTA_BOOK_FACTORY, factory, 1, other_factory_row));
	psk_of(50, psk[0]);
	CHECK_OK(run_next(6));
	CHECK_EQ(s.result.size, 1);
	CHECK_OK(seal_scene_open(&s, 1, psk, 1, got[1]));
	CHECK_MEM(got[1], first[1], 32);
	new_agree(2);
	CHECK_OK(run_next(6));
	CHECK_EQ(s.result.size, 1);
	CHECK_OK(seal_scene_open(&s, 2, NULL, 0, got[2]));
	CHECK_MEM(got[2], first[2], 32);
	CHECK(seal_scene_copies(&s, secrets));
	CHECK_MEM(secrets[0], first[2], 32);
	new_agree(4); /* which the highest tree does not have */
	CHECK_OK(run_next(6));
	CHECK_OK(seal_scene_open(&s, 4, NULL, 0, secrets[0]));
	CHECK_MEM(secrets[0], got[4], 32);
	CHECK_EQ(s.result.again, 1);
	tempdir_remove();
}

TEST(a_supplement_has_its_turn)
{
	seal_scene_begin(&s, 4);
	s.plan.tree = 1;
	CHECK_EQ(run(), ROTA_ERR_STATE); /* tree 0 says who has one */
	s.plan.tree = ROTA_KEYS_TREES_MAX;
	CHECK_EQ(run(), ROTA_ERR_ARGUMENT);
	s.count = 2;
	seal_scene_export(&s);
	s.plan.tree = 0;
	CHECK_OK(run());
	s.plan.most = 3;
	s.plan.tree = 2;
	CHECK_EQ(run_next(4), ROTA_ERR_CEILING); /* two and two */
	s.plan.most = 4;
	s.plan.tree = 2;
	CHECK_OK(run_next(4));
	s.plan.tree = 0;
	CHECK_EQ(run_next(4), ROTA_ERR_STATE);
	tempdir_remove();
}

/* What an earlier tree has is not taken from files of another one, or from damaged ones. */
TEST(an_earlier_tree_that_is_not_what_it_was)
{
	static const char *const kinds[] = { "keys", "copies" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct rota_bytes all;

		ROW(kinds[i]);
		seal_scene_begin(&s, 2);
		CHECK_OK(run());
		CHECK_OK(rota_file_read(seal_scene_path(&s, kinds[i]), 1 << 20, &all, &s.why));
		all.p[30] ^= 1; /* of the campaign's id */
		CHECK_OK(rota_file_write(
			seal_scene_path(&s, kinds[i]), rota_bytes_span(&all), 0600, &s.why));
		rota_bytes_free(&all);
		new_agree(0);
		CHECK(run_next(2) != ROTA_OK);
		CHECK(!rota_file_exists(seal_scene_path(&s, "sealed")));
		s.plan.tree = 0;
		CHECK_OK(rota_file_remove(seal_scene_path(&s, kinds[i]), &s.why));
		CHECK_EQ(run_next(2), ROTA_ERR_CORRUPT);
	}
	ROW(NULL);
	tempdir_remove();
}

TEST(a_rehearsal_leaves_the_book_as_it_is)
{
	static const uint32_t own[] = { 0 };
	struct rota_book_row row;
	char place[96];

	seal_scene_begin(&s, 2);
	CHECK(seal_scene_book(&s, s.plan.purpose, own, 1, old_row));
	snprintf(place, sizeof(place), "%s/rehearsal", s.dir);
	CHECK_OK(rota_file_mkdirs(place, 0700, &s.why));
	s.plan.dir = s.plan.next_books = place;
	CHECK_OK(run());
	CHECK(booked(0, &row));
	CHECK_EQ(row.delivered, 1);
	CHECK(!booked(1, &row));
	CHECK(rota_file_exists(tempdir_path("rehearsal/book.telemetry")));
	tempdir_remove();
}

/* What somebody did to the export, or to the request. Nothing is made then. */
static const struct {
	const char *what;
	uint64_t at;
	const char *bytes; /* one in their place */
	enum rota_err err;
} spoilt[] = {
	{ "another magic", 0, "X", ROTA_ERR_FORMAT },
	{ "another product", 8, "X", ROTA_ERR_PRODUCT },
	{ "fewer rows than there are", 16, "\3", ROTA_ERR_FORMAT },
	{ "a row's product", 32 + 8, "X", ROTA_ERR_SIGNATURE },
	{ "a row's device", 32 + 256 + 16, "X", ROTA_ERR_SIGNATURE },
	{ "a row's agree key", 32 + 256 + 120, "X", ROTA_ERR_SIGNATURE },
	{ "a row's counter", 32 + 256 + 178, "\7", ROTA_ERR_SIGNATURE },
	{ "a row's generation", 32 + 256 + 184, "\7", ROTA_ERR_SIGNATURE },
	{ "a row's HMAC", 32 + 3 * 256 + 255, "X", ROTA_ERR_SIGNATURE },
};

TEST(an_export_that_somebody_altered)
{
	for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
		ROW(spoilt[i].what);
		seal_scene_begin(&s, 4);
		seal_scene_patch(&s, spoilt[i].at, rota_span(spoilt[i].bytes, 1));
		CHECK_EQ(run(), spoilt[i].err);
		CHECK_EQ(tempdir_count(), 2); /* the export, the lock */
	}
	ROW(NULL);
	tempdir_remove();
}

TEST(rows_that_do_not_go_together)
{
	seal_scene_begin(&s, 4);
	s.rows[2] = s.rows[1];
	seal_scene_export(&s);
	CHECK_EQ(run(), ROTA_ERR_FORMAT);
	seal_scene_begin(&s, 4);
	s.rows[3] = s.rows[0];
	seal_scene_export(&s);
	CHECK_EQ(run(), ROTA_ERR_FORMAT);
	seal_scene_begin(&s, 4);
	memcpy(s.rows[3].identity, s.rows[0].identity, 65);
	seal_scene_export(&s);
	CHECK_EQ(run(), ROTA_ERR_FORMAT);
	CHECK(strstr(s.why.text, "one identity key"));
	seal_scene_begin(&s, 4);
	s.rows[3].product[0] ^= 1;
	seal_scene_export(&s);
	CHECK_EQ(run(), ROTA_ERR_PRODUCT);
	seal_scene_begin(&s, 4);
	s.rows[3].agree[64] ^= 1; /* off the curve */
	seal_scene_export(&s);
	CHECK_EQ(run(), ROTA_ERR_FORMAT);
	tempdir_remove();
}

TEST(what_was_approved_is_what_is_sealed)
{
	seal_scene_begin(&s, 4);
	s.export_sha256[0] ^= 1;
	CHECK_EQ(run(), ROTA_ERR_HASH);
	s.plan.export_sha256 = NULL; /* a supplement's export was not there to be approved */
	s.plan.most = 3;
	CHECK_EQ(run(), ROTA_ERR_CEILING);
	s.plan.most = 4;
	CHECK_OK(run());
	seal_scene_begin(&s, 1);
	s.rows[0].flags = ROTA_ROW_GONE;
	seal_scene_export(&s);
	CHECK_EQ(run(), ROTA_ERR_NOT_FOUND);
	CHECK(s.result.nobody);
	CHECK_OK(rota_file_remove(s.export_path, &s.why));
	CHECK_EQ(run(), ROTA_ERR_NOT_FOUND); /* which says nothing of its devices */
	CHECK(!s.result.nobody);
	s.plan.purpose = 6;
	CHECK_EQ(run(), ROTA_ERR_ARGUMENT);
	tempdir_remove();
}

/* The book is sealed: by another key, of another purpose, or with a bit that fell, it is none. */
TEST(a_book_that_is_not_ours)
{
	static const uint32_t own[] = { 0 };
	char factory[ROTA_FILE_PATH_MAX];

	seal_scene_begin(&s, 2);
	rota_book_path(s.dir, ROTA_BOOK_FACTORY, factory);
	CHECK(seal_scene_book(&s, s.plan.purpose, own, 1, old_row));
	s.book_key[0] ^= 1;
	CHECK_EQ(run(), ROTA_ERR_CORRUPT);
	s.book_key[0] ^= 1;
	CHECK_OK(rota_file_rename(tempdir_path("book.telemetry"), factory, &s.why));
	CHECK_EQ(run(), ROTA_ERR_FORMAT);
	tempdir_remove();
}

TESTS(T(every_device_gets_a_secret_of_its_own), T(who_asks_again_hears_the_same),
	T(the_psk_is_the_newest_that_was_proved), T(a_campaign_after_another),
	T(the_next_book_has_what_the_old_one_had), T(who_is_left_out_is_told),
	T(who_has_a_secret_keeps_it), T(a_supplement_has_its_turn),
	T(an_earlier_tree_that_is_not_what_it_was), T(a_rehearsal_leaves_the_book_as_it_is),
	T(an_export_that_somebody_altered), T(rows_that_do_not_go_together),
	T(what_was_approved_is_what_is_sealed), T(a_book_that_is_not_ours))
