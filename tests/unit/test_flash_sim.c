/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated chip: its shape, rules, cuts, images and traces. */
#include "ports/flash_sim/trace.h"
#include "tests/unit/sim_chip.h"

TEST(descriptions_outside_their_bounds_are_refused)
{
	struct rota_flash_sim_chip bad[7];
	struct rota_flash_sim chip;

	for (size_t i = 0; i < 7; i++)
		bad[i] = adds;
	bad[0].write_len = 64;
	bad[1].write_len = 12;
	bad[2].erased = 0x55;
	bad[3].erase_steps = 0;
	bad[4].erase_steps = 101;
	bad[5].runs[1].sector_len = 300;
	memset(bad[6].runs, 0, sizeof(bad[6].runs));
	rota_sim_supply_init(&supply, 1);
	for (size_t i = 0; i < 7; i++)
		CHECK_EQ(rota_flash_sim_init(&chip, &bad[i], &supply), ROTA_ERR_ARGUMENT);
}

TEST(a_region_lies_on_whole_sectors_whatever_their_length)
{
	struct rota_flash_sim_region r;
	uint8_t one[8] = { 1 };

	start(&adds);
	CHECK_EQ(rota_flash_sim_region(&r, &sim, 128, 256, 1), ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_flash_sim_region(&r, &sim, 0, 256, 3), ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_flash_sim_region(&r, &sim, 1024, 1024, 4), ROTA_ERR_ARGUMENT);
	CHECK_OK(rota_flash_sim_region(&r, &sim, 0, 1024, 4)); /* 256 + 256 + 512, then 1024s */
	CHECK_OK(rota_flash_sim_region(&r, &sim, 512, 512, 1));
	CHECK_EQ(r.port.write(r.port.ctx, 512, ROTA_SPAN(one)), ROTA_ERR_ARGUMENT);
	CHECK_EQ(r.port.read(r.port.ctx, 508, ROTA_BUF(one)), ROTA_ERR_ARGUMENT);
	CHECK_EQ(r.port.erase(r.port.ctx, 512), ROTA_ERR_ARGUMENT);
	CHECK_OK(r.port.write(r.port.ctx, 504, ROTA_SPAN(one)));
	CHECK(reads(512 + 504, 1, 1) && reads(512, 0xFF, 504) && reads(1024, 0xFF, 8));
	CHECK_OK(put(1024, 2, 8));
	CHECK_OK(r.port.erase(r.port.ctx, 0));
	CHECK(reads(512, 0xFF, 512) && reads(1024, 2, 8));
}

TEST(a_region_may_have_the_unequal_sectors_of_the_chip)
{
	struct rota_flash_sim_region r;
	uint8_t two[512] = { 0 };

	start(&adds);
	CHECK_EQ(rota_flash_sim_region_own(&r, &sim, 128, 896), ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_flash_sim_region_own(&r, &sim, 0, 600), ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_flash_sim_region_own(&r, &sim, 0, 0), ROTA_ERR_ARGUMENT);
	CHECK_OK(rota_flash_sim_region_own(&r, &sim, 256, 256 + 512 + 1024));
	CHECK_EQ(rota_flash_sectors(r.port.run), 3);
	CHECK_EQ(rota_flash_sector(r.port.run, 2).at, 256 + 512);
	CHECK_EQ(rota_flash_sector(r.port.run, 3).len, 0);
	CHECK_EQ(rota_flash_sector_at(r.port.run, 256).len, 512);
	CHECK_EQ(rota_flash_sector_at(r.port.run, 512).len, 0);
	CHECK_OK(r.port.write(r.port.ctx, 256 + 256, ROTA_SPAN(two)));
	CHECK_EQ(r.port.erase(r.port.ctx, 512), ROTA_ERR_ARGUMENT);
	CHECK_EQ(r.port.erase(r.port.ctx, 256 + 512 + 1024), ROTA_ERR_ARGUMENT);
	CHECK_OK(r.port.erase(r.port.ctx, 256));
	CHECK(reads(512, 0xFF, 512) && reads(1024, 0x00, 256));
}

TEST(units_and_erase_steps_are_counted_sector_by_sector)
{
	start(&adds);
	rota_sim_supply_plan(&supply, 0, ROTA_SIM_NONE, 1);
	CHECK_OK(put(0, 0, 24));
	CHECK_EQ(supply.ops, 3);
	CHECK_OK(rota_flash_sim_erase(&sim, 0, 1024));
	CHECK_EQ(supply.ops, 3 + 3 * 4);
	CHECK_EQ(rota_flash_sim_erases(&sim, 600), 1);
	CHECK_EQ(rota_flash_sim_erases(&sim, 1024), 0);
	CHECK_OK(rota_flash_sim_erase(&sim, 256, 256));
	CHECK_EQ(rota_flash_sim_wear(&sim), 2);
}

TEST(programs_add_up_or_are_refused)
{
	struct rota_flash_sim_chip chip = adds;

	start(&chip);
	CHECK_OK(put(0, 0xF0, 8));
	CHECK_OK(put(0, 0x3C, 8));
	CHECK(reads(0, 0x30, 8));
	CHECK_EQ(sim.broken, 1);
	chip.erased = 0x00;
	start(&chip);
	CHECK(reads(0, 0x00, ALL));
	CHECK_OK(put(0, 0xF0, 8));
	CHECK_OK(put(0, 0x3C, 8));
	CHECK(reads(0, 0xFC, 8));
	chip.once = true;
	start(&chip);
	CHECK_OK(put(0, 0xF0, 8));
	CHECK_EQ(put(0, 0xF0, 8), ROTA_ERR_ARGUMENT);
	CHECK_EQ(sim.broken, 1);
	CHECK_OK(put(8, 0x00, 8)); /* erased bytes, and a program all the same */
	CHECK_EQ(put(8, 0x01, 8), ROTA_ERR_IO);
	CHECK_EQ(put(4, 1, 8), ROTA_ERR_ARGUMENT);
	CHECK_EQ(put(16, 1, 4), ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_flash_sim_erase(&sim, 128, 128), ROTA_ERR_ARGUMENT);
	CHECK_EQ(sim.broken, 4);
}

TEST(a_cut_stops_between_units_and_nothing_works_until_power_is_back)
{
	start(&adds);
	rota_sim_supply_plan(&supply, 3, ROTA_SIM_CUT_BEFORE, 1);
	CHECK_EQ(put(0, 7, 32), ROTA_ERR_IO);
	CHECK(rota_sim_supply_met(&supply));
	CHECK_EQ(get(0, 8), ROTA_ERR_IO);
	CHECK_EQ(put(64, 7, 8), ROTA_ERR_IO);
	CHECK_EQ(rota_flash_sim_erase(&sim, 0, 256), ROTA_ERR_IO);
	CHECK_EQ(rota_flash_sim_sync(&sim), ROTA_ERR_IO);
	rota_sim_supply_on(&supply);
	CHECK(reads(0, 7, 16) && reads(16, 0xFF, 240));
	rota_sim_supply_plan(&supply, 2, ROTA_SIM_CUT_DONE, 1);
	CHECK_EQ(put(64, 7, 32), ROTA_ERR_IO);
	rota_sim_supply_on(&supply);
	CHECK(reads(64, 7, 16) && reads(80, 0xFF, 16));
}

TEST(an_image_shares_pages_and_keeps_its_own)
{
	struct rota_flash_sim_image image = { 0 };

	start(&adds);
	CHECK_OK(put(0, 0x01, 8));
	CHECK_OK(put(1024, 0x01, 8));
	CHECK_OK(rota_flash_sim_save(&sim, &image));
	CHECK(image.cells.pages[0] == sim.cells.pages[0] && image.cells.pages[1] == NULL);
	CHECK_OK(put(8, 0x02, 8));
	CHECK(image.cells.pages[0] != sim.cells.pages[0]);
	CHECK(image.cells.pages[4] == sim.cells.pages[4]);
	erase_half();
	rota_flash_sim_restore(&sim, &image);
	CHECK(reads(0, 0x01, 8) && reads(8, 0xFF, 248) && reads(1024, 0x01, 8));
	CHECK_EQ(rota_flash_sim_wear(&sim), 0);
	CHECK_OK(put(16, 0x03, 8));
	rota_flash_sim_restore(&sim, &image);
	CHECK(reads(16, 0xFF, 8));
	rota_flash_sim_image_free(&image);
	CHECK(reads(0, 0x01, 8));
}

TEST(a_restored_image_knows_what_was_synced)
{
	struct rota_flash_sim_image image = { 0 };
	int lost = 0;

	start(&adds);
	CHECK_OK(put(0, 0x01, 8));
	CHECK_OK(rota_flash_sim_sync(&sim));
	CHECK_OK(put(8, 0x01, 8));
	CHECK_OK(rota_flash_sim_save(&sim, &image));
	for (uint64_t seed = 0; seed < 40; seed++) {
		CHECK_OK(rota_flash_sim_erase(&sim, 0, 256));
		CHECK_OK(rota_flash_sim_sync(&sim));
		rota_flash_sim_restore(&sim, &image);
		rota_sim_supply_plan(&supply, 1, ROTA_SIM_CUT_UNSYNCED, seed);
		CHECK_EQ(put(512, 0x00, 8), ROTA_ERR_IO);
		rota_sim_supply_on(&supply);
		CHECK(reads(0, 0x01, 8));
		lost += !reads(8, 0x01, 8);
	}
	CHECK(lost > 5 && lost < 40);
	rota_flash_sim_image_free(&image);
}

TEST(two_chips_on_one_supply_stop_together_each_where_it_is)
{
	struct rota_flash_sim other;
	uint8_t bytes[16] = { 0 }, back[16];

	start(&adds);
	CHECK_OK(rota_flash_sim_init(&other, &adds, &supply));
	rota_sim_supply_plan(&supply, 3, ROTA_SIM_CUT_DONE, 1);
	CHECK_OK(put(0, 0x00, 16));
	CHECK_EQ(rota_flash_sim_write(&other, 0, ROTA_SPAN(bytes)), ROTA_ERR_IO);
	CHECK_EQ(get(0, 8), ROTA_ERR_IO);
	rota_sim_supply_on(&supply);
	CHECK(reads(0, 0x00, 16));
	CHECK_OK(rota_flash_sim_read(&other, 0, ROTA_BUF(back)));
	CHECK(back[7] == 0x00 && back[8] == 0xFF);
	rota_flash_sim_free(&other);
}

/* Writes and an erase, cut somewhere in the middle of a unit. */
static enum rota_err scenario(void)
{
	ROTA_TRY(put(0, 0x21, 64));
	ROTA_TRY(rota_flash_sim_sync(&sim));
	ROTA_TRY(rota_flash_sim_erase(&sim, 256, 256));
	return put(256, 0x43, 64);
}

TEST(a_trace_played_under_the_same_plan_leaves_the_same_bytes)
{
	struct rota_flash_sim_trace trace = { 0 };
	static uint8_t first[ALL];

	start(&adds);
	sim.trace = &trace;
	CHECK_OK(scenario());
	CHECK_EQ(trace.count, 4);
	for (uint64_t at = 1; at < 8 + 4 + 8; at++) {
		start(&adds);
		rota_sim_supply_plan(&supply, at, ROTA_SIM_CUT_TORN, at);
		CHECK_EQ(scenario(), ROTA_ERR_IO);
		rota_sim_supply_on(&supply);
		CHECK_OK(get(0, ALL));
		memcpy(first, got, ALL);
		start(&adds);
		rota_sim_supply_plan(&supply, at, ROTA_SIM_CUT_TORN, at);
		CHECK_EQ(rota_flash_sim_replay(&sim, &trace), ROTA_ERR_IO);
		rota_sim_supply_on(&supply);
		CHECK_OK(get(0, ALL));
		CHECK_MEM(first, got, ALL);
	}
	start(&adds);
	CHECK_OK(rota_flash_sim_replay(&sim, &trace));
	CHECK(reads(0, 0x21, 64) && reads(256, 0x43, 64));
	rota_flash_sim_trace_free(&trace);
}

TEST(a_plan_is_told_in_one_line)
{
	char line[80];

	rota_sim_supply_init(&supply, 1);
	rota_sim_supply_plan(&supply, 17, ROTA_SIM_CUT_TORN, 5);
	rota_sim_supply_tell(&supply, ROTA_BUF(line));
	CHECK(strcmp(line, "cut torn at operation 17, seed 5") == 0);
	rota_sim_supply_tell(&supply, rota_buf(line, 4));
	CHECK(strcmp(line, "cut") == 0);
}

TEST(nothing_is_left_to_free)
{
	rota_flash_sim_free(&sim);
	CHECK(sim.cells.pages == NULL && sim.sectors == NULL);
}

TESTS(T(descriptions_outside_their_bounds_are_refused),
	T(a_region_lies_on_whole_sectors_whatever_their_length),
	T(a_region_may_have_the_unequal_sectors_of_the_chip),
	T(units_and_erase_steps_are_counted_sector_by_sector), T(programs_add_up_or_are_refused),
	T(a_cut_stops_between_units_and_nothing_works_until_power_is_back),
	T(an_image_shares_pages_and_keeps_its_own), T(a_restored_image_knows_what_was_synced),
	T(two_chips_on_one_supply_stop_together_each_where_it_is),
	T(a_trace_played_under_the_same_plan_leaves_the_same_bytes), T(a_plan_is_told_in_one_line),
	T(nothing_is_left_to_free))
