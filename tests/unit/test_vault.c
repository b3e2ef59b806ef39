/* SPDX-License-Identifier: Apache-2.0 */
/* The vault against a map that holds what it should, and against what is on its flash wrong. */
#include "rota/base/crc32.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "tests/unit/test.h"
#include "tests/unit/vault_scene.h"

#define OPERATIONS 200000 /* of the model test, over all boards */
#define IMAGES 40

static uint64_t dice = 5;

static uint32_t draw(uint32_t below)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (uint32_t)(dice >> 33) % below;
}

/* ---- the model ---- */

static bool counts_agree(void)
{
	uint32_t records = 0, model = 0;

	for (uint32_t i = 0; i < scene.v.generations; i++)
		records += scene.v.count[i].records;
	for (uint32_t id = 0; id < VAULT_IDS; id++)
		model += scene.version[id] != 0;
	return records == scene.v.records && records == model;
}

static bool reopens(void)
{
	vault_stop();
	return vault_open() == ROTA_OK && vault_holds(VAULT_IDS, 0) && counts_agree();
}

/* One operation drawn; false when it does not do as the model says. */
static bool operate(void)
{
	uint32_t id = draw(VAULT_IDS), what = draw(1000), left;

	if (what < 450)
		return vault_reads(id) == scene.version[id];
	if (what < 800)
		return vault_put(id) == ROTA_OK;
	if (what < 900)
		return vault_remove(id) ==
			(scene.version[id] != 0 ? ROTA_OK : ROTA_ERR_NOT_FOUND) ||
			scene.version[id] == 0;
	if (what < 980)
		return rota_vault_step(&scene.v, 1 + draw(600), &left) == ROTA_OK;
	if (what < 985)
		scene.active += scene.v.generations < ROTA_VAULT_GENERATIONS - 1;
	if (what < 990)
		return vault_rewrite(1 + draw(2000)) == ROTA_OK &&
			(scene.v.records == 0 || rota_vault_needs(&scene.v) == scene.active);
	return reopens();
}

TEST(it_holds_what_a_map_holds)
{
	for (int b = 0; b < VAULT_BOARDS; b++) {
		ROW(vault_boards[b].like);
		CHECK_OK(vault_born(&vault_boards[b]));
		CHECK_OK(vault_open());
		for (int i = 0; i < OPERATIONS / VAULT_BOARDS; i++)
			CHECK(operate());
		CHECK(reopens());
		CHECK_EQ(vault_repeats, 0);
		CHECK_EQ(sim.broken, 0);
		CHECK_EQ(scene.v.lost, 0);
		vault_stop();
		vault_forget();
	}
}

/* ---- what callers hear ---- */

TEST(what_does_not_fit_is_refused)
{
	static uint8_t bytes[2 * VAULT_PLAIN_MAX];
	uint8_t small[4];
	struct rota_span got;

	CHECK_OK(vault_born(&vault_boards[0]));
	CHECK_OK(vault_open());
	CHECK_EQ(rota_vault_put(&scene.v, 1, ROTA_SPAN(bytes)), ROTA_ERR_LIMIT);
	CHECK_EQ(rota_vault_get(&scene.v, 1, ROTA_BUF(small), &got), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(rota_vault_remove(&scene.v, 1), ROTA_ERR_NOT_FOUND);
	CHECK_OK(rota_vault_put(&scene.v, 1, rota_span(bytes, VAULT_PLAIN_MAX)));
	CHECK_EQ(rota_vault_get(&scene.v, 1, ROTA_BUF(small), &got), ROTA_ERR_LIMIT);
	CHECK_EQ(got.len, 0);
	vault_stop();
}

/* More ids than the index takes; and more bytes than the flash has, where all is replaced and removed still. */
TEST(a_full_vault_says_so_and_loses_nothing)
{
	uint8_t bytes[VAULT_PLAIN_MAX] = { 1 }, room[VAULT_PLAIN_MAX];
	struct rota_span got;
	uint32_t n = 0;
	enum rota_err err;

	CHECK_OK(vault_born(&vault_boards[0]));
	CHECK_OK(vault_open());
	for (err = ROTA_OK; err == ROTA_OK && n < 100; n++)
		err = rota_vault_put(&scene.v, 1000 + n, ROTA_SPAN(bytes));
	CHECK_EQ(err, ROTA_ERR_FULL);
	n--;
	CHECK(n >= 14 && n < 26);
	for (uint32_t k = 0; k < 3 * n; k++) {
		bytes[1] = (uint8_t)k;
		CHECK_OK(rota_vault_put(&scene.v, 1000 + k % n, ROTA_SPAN(bytes)));
	}
	for (uint32_t k = 0; k < n; k++)
		CHECK_OK(rota_vault_get(&scene.v, 1000 + k, ROTA_BUF(room), &got));
	CHECK_EQ(rota_vault_put(&scene.v, 5000, ROTA_SPAN(bytes)), ROTA_ERR_FULL);
	CHECK_OK(rota_vault_remove(&scene.v, 1000));
	CHECK_OK(rota_vault_put(&scene.v, 5000, ROTA_SPAN(bytes)));
	vault_stop();
}

TEST(no_key_seals_nothing)
{
	CHECK_OK(vault_born(&vault_boards[0]));
	CHECK_OK(vault_open());
	scene.active = 0;
	CHECK_EQ(vault_put(1), ROTA_ERR_NOT_FOUND);
	vault_stop();
}

struct geometry {
	const char *name;
	uint32_t sector_len, sectors, write_len, index_len, record_len;
};

TEST(a_geometry_that_no_vault_fits_is_refused)
{
	static const struct geometry rows[] = {
		{ "two sectors", 1024, 2, 4, 32, 256 },
		{ "unit no power of two", 1024, 3, 3, 32, 256 },
		{ "unit too long", 1024, 3, 64, 32, 256 },
		{ "index no power of two", 1024, 3, 4, 31, 256 },
		{ "no index", 1024, 3, 4, 0, 256 },
		{ "no room for a record", 1024, 3, 4, 32, 64 },
		{ "sector shorter than the longest", 256, 3, 4, 32, 512 },
	};
	static uint8_t record[512];
	struct rota_vault_config c;
	struct rota_flash flash;
	struct rota_vault v;
	struct rota_record_opening o = { { 0 }, 1, 0 };

	CHECK_OK(vault_born(&vault_boards[0]));
	CHECK_OK(vault_open());
	c = scene.v.c;
	flash = region.port;
	c.flash = &flash;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].name);
		flash.run[0] = (struct rota_flash_run){ rows[i].sector_len, rows[i].sectors };
		flash.write_len = rows[i].write_len;
		c.index_len = rows[i].index_len;
		c.record = rota_buf(record, rows[i].record_len);
		CHECK_EQ(rota_vault_open(&v, &c, &o), ROTA_ERR_ARGUMENT);
	}
	ROW("unequal sectors");
	flash = region.port;
	flash.run[1] = (struct rota_flash_run){ 2048, 1 };
	c.index_len = 32;
	c.record = ROTA_BUF(record);
	CHECK_EQ(rota_vault_open(&v, &c, &o), ROTA_ERR_ARGUMENT);
	vault_stop();
}

/* ---- keys ---- */

static enum rota_err count_old(void *ctx, uint32_t id, uint32_t generation)
{
	(void)id;
	*(uint32_t *)ctx += generation < 3;
	return ROTA_OK;
}

TEST(a_generation_is_needed_until_its_last_record_was_rewritten)
{
	uint32_t left;

	CHECK_OK(vault_born(&vault_boards[0]));
	CHECK_OK(vault_open());
	CHECK_EQ(rota_vault_needs(&scene.v), 0);
	for (uint32_t id = 0; id < 8; id++)
		CHECK_OK(vault_put(id));
	scene.active = 2;
	CHECK_OK(rota_vault_step(&scene.v, 1, &left));
	CHECK_EQ(left, 7);
	CHECK_EQ(rota_vault_needs(&scene.v), 1);
	CHECK_OK(vault_rewrite(100));
	CHECK_EQ(rota_vault_needs(&scene.v), 2);
	scene.gone = 1 << 1;
	CHECK(vault_holds(VAULT_IDS, 0));
	CHECK(reopens());
	CHECK_EQ(rota_vault_needs(&scene.v), 2);
	vault_stop();
}

/* What was read lately is next, wherever it stands. */
TEST(what_is_read_is_rewritten_first)
{
	uint32_t left;

	CHECK_OK(vault_born(&vault_boards[0]));
	CHECK_OK(vault_open());
	for (uint32_t id = 0; id < 8; id++)
		CHECK_OK(vault_put(id));
	scene.active = 2;
	CHECK_EQ(vault_reads(6), scene.version[6]);
	CHECK_EQ(scene.v.marks, 1);
	CHECK_OK(rota_vault_step(&scene.v, 1, &left));
	CHECK_EQ(left, 7);
	CHECK_EQ(scene.v.marks, 0);
	CHECK_EQ(vault_reads(6), scene.version[6]);
	CHECK_EQ(scene.v.marks, 0); /* it was not the oldest one that was rewritten */
	vault_stop();
}

TEST(a_record_whose_key_is_gone_is_told_and_kept_and_needs_nothing)
{
	uint8_t room[VAULT_PLAIN_MAX];
	struct rota_span got;
	uint32_t old = 0;

	CHECK_OK(vault_born(&vault_boards[0]));
	CHECK_OK(vault_open());
	CHECK_OK(vault_put(0));
	scene.active = 3;
	CHECK_OK(vault_put(1));
	scene.gone = 1 << 1;
	vault_stop();
	CHECK_OK(vault_open());
	CHECK_EQ(rota_vault_needs(&scene.v), 3);
	CHECK_EQ(rota_vault_get(&scene.v, 0, ROTA_BUF(room), &got), ROTA_ERR_EXPIRED);
	CHECK_OK(vault_rewrite(1000));
	for (int i = 0; i < 40; i++) /* all sectors are cleaned meanwhile */
		CHECK_OK(vault_put(1));
	CHECK_OK(rota_vault_each(&scene.v, &old, count_old));
	CHECK_EQ(old, 1);
	CHECK_EQ(rota_vault_get(&scene.v, 0, ROTA_BUF(room), &got), ROTA_ERR_EXPIRED);
	CHECK_OK(vault_remove(0));
	vault_stop();
}

/* A write that fails in the middle of a rewriting, whichever: what was to be moved then is moved later, and nothing is erased before. */
TEST(what_could_not_be_moved_is_moved_later)
{
	unsigned met = 0;
	uint32_t left;

	for (uint64_t at = 1; met == at - 1 && at < 1000; at++) {
		CHECK_OK(vault_born(&vault_boards[0]));
		CHECK_OK(vault_open());
		for (uint32_t id = 0; id < VAULT_IDS; id++)
			CHECK_OK(vault_put(id));
		scene.active = 2;
		rota_sim_supply_plan(&supply, at, ROTA_SIM_FAIL, 1);
		for (int i = 0; i < 3; i++)
			(void)!rota_vault_step(&scene.v, 10000, &left);
		met += rota_sim_supply_met(&supply);
		rota_sim_supply_plan(&supply, 0, ROTA_SIM_NONE, 1);
		CHECK(vault_holds(VAULT_IDS, 0));
		CHECK_OK(vault_rewrite(1000));
		CHECK_EQ(rota_vault_needs(&scene.v), 2);
		scene.gone = 1 << 1;
		CHECK(reopens());
		CHECK_EQ(scene.v.lost, 0);
		vault_stop();
	}
	CHECK(met > 10);
}

/* A write that fails wherever the last free sector is being filled, or anywhere else: the next put goes well, and nothing is lost
 * of what was moved. */
TEST(a_write_that_fails_stops_no_vault)
{
	bool met = true;
	int failed = 0;

	for (uint64_t at = 1; met; at++) {
		CHECK_OK(vault_born(&vault_boards[0]));
		CHECK_OK(vault_open());
		for (uint32_t id = 0; id < 2 * VAULT_IDS; id++)
			CHECK_OK(vault_put(id % VAULT_IDS));
		rota_sim_supply_plan(&supply, at, ROTA_SIM_FAIL, 1);
		for (uint32_t k = 0; k < 3 * VAULT_IDS; k++) {
			scene.active = 1 + (k > VAULT_IDS);
			if (vault_put(k % VAULT_IDS) == ROTA_OK)
				continue;
			failed++;
			CHECK(rota_vault_needs(&scene.v) == 1 || k > VAULT_IDS);
			CHECK_OK(vault_put(k % VAULT_IDS));
		}
		met = rota_sim_supply_met(&supply);
		rota_sim_supply_plan(&supply, 0, ROTA_SIM_NONE, 1);
		CHECK(vault_holds(VAULT_IDS, 0));
		CHECK(counts_agree());
		CHECK(reopens());
		CHECK_EQ(scene.v.lost, 0);
		vault_stop();
	}
	CHECK(failed > 10);
}

static uint64_t losses;

/* The power goes at the sync, with much of what was not durable. */
static enum rota_err lose_at_sync(void *ctx)
{
	static const uint8_t unit[4];

	(void)ctx;
	rota_sim_supply_plan(&supply, 1, ROTA_SIM_CUT_UNSYNCED, ++losses);
	(void)!rota_flash_sim_write(&sim, 4 * 1024 - sizeof(unit), ROTA_SPAN(unit));
	return ROTA_ERR_IO;
}

/* All is written again, and not durable yet: if what the vault then says nobody needs is destroyed, all reads still. */
TEST(what_was_moved_is_needed_until_it_is_durable)
{
	uint32_t left;

	for (int i = 0; i < 20; i++) {
		CHECK_OK(vault_born(&vault_boards[0]));
		CHECK_OK(vault_open());
		for (uint32_t id = 0; id < 4; id++)
			CHECK_OK(vault_put(id));
		scene.active = 2;
		region.port.sync = lose_at_sync;
		CHECK_EQ(rota_vault_step(&scene.v, 10000, &left), ROTA_ERR_IO);
		CHECK_EQ(left, 0);
		if (rota_vault_needs(&scene.v) == 2)
			scene.gone = 1 << 1;
		CHECK_OK(rota_flash_sim_region(&region, &sim, 0, 1024, 4));
		rota_sim_supply_on(&supply);
		CHECK(reopens());
		vault_stop();
	}
}

/* ---- nonces ---- */

/* Whatever earlier flash comes back, with the number of the opening that it had: a new epoch was drawn. */
TEST(older_flash_brings_no_nonce_back)
{
	static struct rota_flash_sim_image images[IMAGES];
	static struct vault_scene scenes[IMAGES];

	CHECK_OK(vault_born(&vault_boards[0]));
	for (int i = 0; i < IMAGES; i++) {
		CHECK_OK(rota_flash_sim_save(&sim, &images[i]));
		scenes[i] = scene;
		CHECK_OK(vault_open());
		CHECK_OK(vault_put(draw(VAULT_IDS)));
		CHECK_OK(vault_put(draw(VAULT_IDS)));
		vault_stop();
	}
	for (int i = 0; i < IMAGES; i++) {
		rota_flash_sim_restore(&sim, &images[i]);
		scene = scenes[i];
		CHECK_OK(vault_open());
		CHECK_OK(vault_put(draw(VAULT_IDS)));
		CHECK_OK(vault_put(draw(VAULT_IDS)));
		vault_stop();
		rota_flash_sim_image_free(&images[i]);
	}
	CHECK_EQ(vault_repeats, 0);
	vault_forget();
}

/* A source of randomness that broke: the number of the opening rises. */
TEST(a_broken_source_of_randomness_brings_no_nonce_back)
{
	CHECK_OK(vault_born(&vault_boards[0]));
	vault_stale_random = true;
	for (int i = 0; i < IMAGES; i++) {
		CHECK_OK(vault_open());
		CHECK_OK(vault_put(draw(VAULT_IDS)));
		vault_stop();
	}
	vault_stale_random = false;
	CHECK_EQ(vault_repeats, 0);
	scene.opening--; /* and if it did not, the test would see */
	vault_stale_random = true;
	CHECK_OK(vault_open());
	CHECK_OK(vault_put(3));
	vault_stale_random = false;
	CHECK_EQ(vault_repeats, 1);
	vault_stop();
	vault_forget();
}

/* ---- flash that is wrong ---- */

static void edit(uint32_t off, const uint8_t *bytes, uint32_t len)
{
	uint8_t now[256];

	if (rota_flash_sim_read(&sim, off, rota_buf(now, len)) != ROTA_OK)
		test_fail(__FILE__, __LINE__, "not read");
	for (uint32_t i = 0; i < len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			uint8_t mask = (uint8_t)(1u << bit);

			if (((now[i] ^ bytes[i]) & mask) != 0 &&
				rota_flash_sim_flip(&sim, off + i, mask) != ROTA_OK)
				test_fail(__FILE__, __LINE__, "not flipped");
		}
	}
}

static uint32_t place_of(uint32_t id)
{
	for (uint32_t i = 0; i < VAULT_INDEX; i++) {
		if (scene.index[i].at != 0 && scene.index[i].id == id)
			return scene.index[i].at;
	}
	return 0;
}

/* The record at `at` becomes another one of good CRC. */
static void forge(uint32_t at, uint32_t byte)
{
	uint8_t bytes[256], crc[4];
	struct rota_reader r = rota_reader(rota_span(bytes + 6, 6));
	struct rota_writer w = rota_writer(ROTA_BUF(crc));
	uint32_t head;
	uint16_t len;

	if (rota_flash_sim_read(&sim, at, rota_buf(bytes, 12)) != ROTA_OK)
		test_fail(__FILE__, __LINE__, "not read");
	len = rota_read_le16(&r);
	head = rota_read_le32(&r);
	if (rota_flash_sim_read(&sim, at, rota_buf(bytes, 12u + len)) != ROTA_OK)
		test_fail(__FILE__, __LINE__, "not read");
	bytes[12 + byte] ^= 1;
	rota_write_le32(&w, rota_crc32(head, rota_span(bytes + 12, len)));
	edit(at, bytes, 12u + len);
	edit(at + 12 + len, crc, 4);
}

/* Each byte of a sealed record, and its generation last: it is kept as it is and told, whatever is cleaned. */
TEST(a_forged_record_does_not_open)
{
	static const uint32_t bytes[] = { 1, 8, 24, 36, 40, 60 };
	static const enum rota_err heard[] = { ROTA_ERR_SIGNATURE, ROTA_ERR_SIGNATURE,
		ROTA_ERR_SIGNATURE, ROTA_ERR_CORRUPT, ROTA_ERR_SIGNATURE, ROTA_ERR_SIGNATURE };
	uint8_t room[VAULT_PLAIN_MAX], plain[20] = { 9 };
	struct rota_span got;

	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		CHECK_OK(vault_born(&vault_boards[0]));
		CHECK_OK(vault_open());
		CHECK_OK(rota_vault_put(&scene.v, 77, ROTA_SPAN(plain)));
		forge(place_of(77), bytes[i]);
		CHECK_EQ(rota_vault_get(&scene.v, 77, ROTA_BUF(room), &got), heard[i]);
		vault_stop();
		CHECK_OK(vault_open());
		scene.active = 2;
		CHECK_OK(vault_rewrite(100));
		for (int k = 0; k < 40; k++)
			CHECK_OK(vault_put(1));
		CHECK_EQ(rota_vault_get(&scene.v, 77, ROTA_BUF(room), &got), heard[i]);
		vault_stop();
	}
}

TEST(a_record_of_another_id_does_not_open)
{
	uint8_t head[12], room[VAULT_PLAIN_MAX], plain[20] = { 9 }, id[4] = { 5, 0, 0, 0 };
	uint8_t header[16];
	struct rota_reader r = rota_reader(rota_span(header + 12, 4));
	struct rota_writer w = rota_writer(rota_buf(head + 8, 4));
	struct rota_span got;
	uint32_t at;

	CHECK_OK(vault_born(&vault_boards[0]));
	CHECK_OK(vault_open());
	CHECK_OK(rota_vault_put(&scene.v, 77, ROTA_SPAN(plain)));
	at = place_of(77);
	vault_stop();
	CHECK_OK(rota_flash_sim_read(&sim, 0, ROTA_BUF(header)));
	CHECK_OK(rota_flash_sim_read(&sim, at, ROTA_BUF(head)));
	memcpy(head, id, 4);
	rota_write_le32(&w, rota_crc32(rota_read_le32(&r), rota_span(head, 8)));
	edit(at, head, 12);
	forge(at, 0); /* puts the CRC right, and twice leaves the rest as it was */
	forge(at, 0);
	CHECK_OK(vault_open());
	CHECK_EQ(rota_vault_get(&scene.v, 77, ROTA_BUF(room), &got), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(rota_vault_get(&scene.v, 5, ROTA_BUF(room), &got), ROTA_ERR_SIGNATURE);
	vault_stop();
}

TEST(a_damaged_record_is_passed_over_alone)
{
	uint32_t at;

	CHECK_OK(vault_born(&vault_boards[0]));
	CHECK_OK(vault_open());
	for (uint32_t id = 0; id < 3; id++)
		CHECK_OK(vault_put(id));
	at = scene.version[1];
	CHECK_OK(vault_put(1));
	CHECK_OK(vault_put(2));
	for (uint32_t i = 0; i < VAULT_INDEX; i++) {
		if (scene.index[i].at != 0 && scene.index[i].id == 0x10000001u)
			CHECK_OK(rota_flash_sim_flip(&sim, scene.index[i].at + 60, 1));
	}
	CHECK_EQ(vault_reads(1), UINT32_MAX);
	vault_stop();
	CHECK_OK(vault_open());
	scene.version[1] = at; /* the one before counts */
	CHECK(vault_holds(VAULT_IDS, 0));
	vault_stop();
}

/* A head that goes bad after the open costs its own record, and none of those behind it in the sector. */
TEST(a_head_that_goes_bad_costs_one_record)
{
	CHECK_OK(vault_born(&vault_boards[0]));
	CHECK_OK(vault_open());
	for (uint32_t id = 0; id < 6; id++)
		CHECK_OK(vault_put(id));
	for (uint32_t i = 0; i < VAULT_INDEX; i++) {
		if (scene.index[i].at != 0 && scene.index[i].id == 0x10000001u)
			CHECK_OK(rota_flash_sim_flip(&sim, scene.index[i].at, 1));
	}
	scene.active = 2;
	CHECK_OK(vault_rewrite(1000));
	for (int i = 0; i < 40; i++) /* all sectors are erased meanwhile */
		CHECK_OK(vault_put(0));
	CHECK_EQ(scene.v.lost, 1);
	scene.version[1] = 0;
	scene.gone = 1 << 1;
	CHECK(reopens());
	vault_stop();
}

/* An entry of a sector's life before is none of its life now: the header's CRC is in it. */
TEST(an_entry_is_of_its_sectors_header)
{
	uint8_t header[16];
	struct rota_reader r = rota_reader(rota_span(header + 4, 4));
	struct rota_writer w = rota_writer(rota_buf(header + 4, 4)),
			   crc = rota_writer(rota_buf(header + 12, 4));

	CHECK_OK(vault_born(&vault_boards[0]));
	CHECK_OK(vault_open());
	CHECK_OK(vault_put(1));
	vault_stop();
	CHECK_OK(rota_flash_sim_read(&sim, 0, ROTA_BUF(header)));
	rota_write_le32(&w, rota_read_le32(&r) + 1);
	rota_write_le32(&crc, rota_crc32(0, rota_span(header, 12)));
	edit(0, header, sizeof(header));
	CHECK_OK(vault_open());
	CHECK_EQ(scene.v.sequence, 2);
	CHECK_EQ(scene.v.records, 0);
	vault_stop();
}

TEST(sequences_end)
{
	uint8_t header[16];
	struct rota_writer w = rota_writer(rota_buf(header + 4, 4)),
			   crc = rota_writer(rota_buf(header + 12, 4));
	enum rota_err err = ROTA_OK;

	CHECK_OK(vault_born(&vault_boards[0]));
	CHECK_OK(vault_open());
	CHECK_OK(vault_put(1));
	vault_stop();
	CHECK_OK(rota_flash_sim_read(&sim, 0, ROTA_BUF(header)));
	rota_write_le32(&w, UINT32_MAX);
	rota_write_le32(&crc, rota_crc32(0, rota_span(header, 12)));
	edit(0, header, sizeof(header));
	CHECK_OK(vault_open());
	for (int i = 0; i < 20 && err == ROTA_OK; i++)
		err = vault_put(2);
	CHECK_EQ(err, ROTA_ERR_FULL);
	vault_stop();
}

TESTS(T(it_holds_what_a_map_holds), T(what_does_not_fit_is_refused),
	T(a_full_vault_says_so_and_loses_nothing), T(no_key_seals_nothing),
	T(a_geometry_that_no_vault_fits_is_refused),
	T(a_generation_is_needed_until_its_last_record_was_rewritten),
	T(what_is_read_is_rewritten_first),
	T(a_record_whose_key_is_gone_is_told_and_kept_and_needs_nothing),
	T(what_could_not_be_moved_is_moved_later), T(a_write_that_fails_stops_no_vault),
	T(what_was_moved_is_needed_until_it_is_durable), T(older_flash_brings_no_nonce_back),
	T(a_broken_source_of_randomness_brings_no_nonce_back), T(a_forged_record_does_not_open),
	T(a_record_of_another_id_does_not_open), T(a_damaged_record_is_passed_over_alone),
	T(a_head_that_goes_bad_costs_one_record), T(an_entry_is_of_its_sectors_header),
	T(sequences_end))
