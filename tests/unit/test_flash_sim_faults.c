/* SPDX-License-Identifier: Apache-2.0 */
/* Each way in which the simulated chip fails, by what its user sees of it. */
#include "tests/unit/sim_chip.h"

TEST(a_torn_unit_has_old_and_new_bits)
{
	int mixed = 0;

	for (uint64_t seed = 0; seed < 20; seed++) {
		start(&adds);
		rota_sim_supply_plan(&supply, 1, ROTA_SIM_CUT_TORN, seed);
		CHECK_EQ(put(0, 0x0F, 8), ROTA_ERR_IO);
		rota_sim_supply_on(&supply);
		CHECK_OK(get(0, 8));
		for (int i = 0; i < 8; i++) {
			CHECK_EQ(got[i] & 0x0F, 0x0F);
			mixed += got[i] != 0x0F && got[i] != 0xFF;
		}
		CHECK(reads(8, 0xFF, 8));
	}
	CHECK(mixed > 80);
}

TEST(with_ecc_a_torn_unit_cannot_be_read)
{
	struct rota_flash_sim_chip chip = checked();

	start(&chip);
	rota_sim_supply_plan(&supply, 2, ROTA_SIM_CUT_TORN, 3);
	CHECK_EQ(put(0, 0x0F, 24), ROTA_ERR_IO);
	rota_sim_supply_on(&supply);
	CHECK(reads(0, 0x0F, 8) && reads(16, 0xFF, 8));
	CHECK_EQ(get(15, 1), ROTA_ERR_CORRUPT);
	CHECK_OK(rota_flash_sim_erase(&sim, 0, 256));
	CHECK(reads(0, 0xFF, 256));
}

TEST(a_weak_unit_reads_erased_and_takes_no_program)
{
	struct rota_flash_sim_chip chip = checked();

	start(&chip);
	rota_sim_supply_plan(&supply, 1, ROTA_SIM_CUT_WEAK, 3);
	CHECK_EQ(put(0, 0x0F, 8), ROTA_ERR_IO);
	rota_sim_supply_on(&supply);
	CHECK(reads(0, 0xFF, 8));
	CHECK_EQ(put(0, 0x0F, 8), ROTA_ERR_IO);
	CHECK_EQ(sim.broken, 0);
	CHECK_OK(rota_flash_sim_erase(&sim, 0, 256));
	CHECK_OK(put(0, 0x0F, 8));
}

TEST(a_half_erase_reads_otherwise_each_time)
{
	uint8_t first[256];

	start(&adds);
	erase_half();
	CHECK_OK(get(0, 256));
	memcpy(first, got, sizeof(first));
	CHECK_OK(get(0, 256));
	CHECK(memcmp(first, got, 256) != 0);
	CHECK(!reads(0, 0x00, 256) && !reads(0, 0xFF, 256));
	CHECK(reads(256, 0xFF, 256));
	CHECK_OK(rota_flash_sim_erase(&sim, 0, 256));
	CHECK(reads(0, 0xFF, 256));
}

TEST(with_ecc_a_half_erase_reads_old_erased_or_not_at_all)
{
	struct rota_flash_sim_chip chip = checked();
	int old = 0, erased = 0, none = 0;

	start(&chip);
	erase_half();
	for (int i = 0; i < 60; i++) {
		enum rota_err err = get(0, 8);

		none += err == ROTA_ERR_CORRUPT;
		old += err == ROTA_OK && got[0] == 0x00 && got[7] == 0x00;
		erased += err == ROTA_OK && got[0] == 0xFF && got[7] == 0xFF;
	}
	CHECK_EQ(old + erased + none, 60);
	CHECK(old > 5 && erased > 5 && none > 5);
}

TEST(an_erase_cut_at_its_ends_is_not_begun_or_done)
{
	start(&adds);
	CHECK_OK(put(0, 0x11, 256));
	rota_sim_supply_plan(&supply, 1, ROTA_SIM_CUT_BEFORE, 3);
	CHECK_EQ(rota_flash_sim_erase(&sim, 0, 256), ROTA_ERR_IO);
	rota_sim_supply_on(&supply);
	CHECK(reads(0, 0x11, 256));
	rota_sim_supply_plan(&supply, 4, ROTA_SIM_CUT_DONE, 3);
	CHECK_EQ(rota_flash_sim_erase(&sim, 0, 256), ROTA_ERR_IO);
	rota_sim_supply_on(&supply);
	CHECK(reads(0, 0xFF, 256));
}

TEST(only_what_was_not_synced_is_lost)
{
	int old = 0, new = 0, torn = 0, mixed = 0;

	for (uint64_t seed = 0; seed < 100; seed++) {
		int torn_before = torn, whole = 0;

		start(&adds);
		CHECK_OK(put(0, 0x00, 64));
		CHECK_OK(rota_flash_sim_sync(&sim));
		CHECK_OK(put(64, 0x00, 64));
		rota_sim_supply_plan(&supply, 1, ROTA_SIM_CUT_UNSYNCED, seed);
		CHECK_EQ(put(128, 0x00, 8), ROTA_ERR_IO);
		rota_sim_supply_on(&supply);
		CHECK(reads(0, 0x00, 64));
		CHECK_OK(get(64, 64));
		for (int i = 0; i < 64; i++) {
			old += got[i] == 0xFF;
			new += got[i] == 0x00;
			torn += got[i] != 0xFF && got[i] != 0x00;
		}
		for (uint32_t off = 64; off < 128; off += 8)
			whole += reads(off, 0x00, 8);
		mixed += whole > 0 && torn > torn_before;
	}
	CHECK(old > 500 && new > 500 && torn > 500);
	CHECK(mixed > 10); /* else all after some place was lost, and nothing before it */
}

TEST(an_unsynced_erase_may_not_have_been)
{
	int old = 0;

	for (uint64_t seed = 0; seed < 20; seed++) {
		start(&adds);
		CHECK_OK(put(0, 0x00, 64));
		CHECK_OK(rota_flash_sim_sync(&sim));
		CHECK_OK(rota_flash_sim_erase(&sim, 0, 256));
		rota_sim_supply_plan(&supply, 1, ROTA_SIM_CUT_UNSYNCED, seed);
		CHECK_EQ(put(512, 0x00, 8), ROTA_ERR_IO);
		rota_sim_supply_on(&supply);
		old += reads(0, 0x00, 8);
	}
	CHECK(old > 0);
}

TEST(bits_rot_and_ecc_mends_one_of_them)
{
	struct rota_flash_sim_chip chip = checked();

	start(&adds);
	CHECK_OK(put(0, 0x00, 8));
	CHECK_OK(rota_flash_sim_flip(&sim, 3, 0x10));
	CHECK_OK(get(0, 8));
	CHECK_EQ(got[3], 0x10);
	start(&chip);
	CHECK_OK(put(0, 0x00, 8));
	CHECK_OK(rota_flash_sim_flip(&sim, 3, 0x10));
	CHECK(reads(0, 0x00, 8));
	CHECK_OK(rota_flash_sim_flip(&sim, 4, 0x10));
	CHECK_EQ(get(0, 8), ROTA_ERR_CORRUPT);
	CHECK(reads(8, 0xFF, 8));
	CHECK_EQ(rota_flash_sim_flip(&sim, ALL, 1), ROTA_ERR_ARGUMENT);
}

TEST(a_stuck_bit_stays_whatever_is_done)
{
	struct rota_flash_sim_chip chip = checked();

	start(&adds);
	CHECK_OK(rota_flash_sim_stick(&sim, 5, 0x80, false));
	CHECK_OK(get(0, 8));
	CHECK_EQ(got[5], 0x7F);
	CHECK_OK(rota_flash_sim_erase(&sim, 0, 256));
	CHECK_OK(get(5, 1));
	CHECK_EQ(got[0], 0x7F);
	start(&chip);
	CHECK_OK(rota_flash_sim_stick(&sim, 5, 0x80, false));
	CHECK(reads(0, 0xFF, 8));
	CHECK_OK(rota_flash_sim_stick(&sim, 6, 0x80, false));
	CHECK_EQ(get(0, 8), ROTA_ERR_CORRUPT);
	CHECK_OK(put(0, 0x00, 8)); /* now both are as they should be */
	CHECK(reads(0, 0x00, 8));
	for (size_t i = 2; i < ROTA_FLASH_SIM_STUCK; i++)
		CHECK_OK(rota_flash_sim_stick(&sim, 9, 1, true));
	CHECK_EQ(rota_flash_sim_stick(&sim, 9, 1, true), ROTA_ERR_FULL);
	CHECK_EQ(rota_flash_sim_stick(&sim, ALL, 1, true), ROTA_ERR_ARGUMENT);
}

TEST(a_worn_sector_fails_and_others_do_not)
{
	struct rota_flash_sim_chip chip = adds;

	chip.erase_limit = 3;
	start(&chip);
	for (int i = 0; i < 3; i++)
		CHECK_OK(rota_flash_sim_erase(&sim, 0, 256));
	CHECK_OK(put(0, 0x00, 256));
	CHECK_EQ(rota_flash_sim_erase(&sim, 0, 256), ROTA_ERR_IO);
	CHECK(!reads(0, 0xFF, 256));
	CHECK_OK(rota_flash_sim_erase(&sim, 256, 256));
	CHECK_EQ(rota_flash_sim_wear(&sim), 4);
}

TEST(operations_fail_aloud_or_silently)
{
	start(&adds);
	rota_sim_supply_plan(&supply, 2, ROTA_SIM_FAIL, 1);
	CHECK_EQ(put(0, 0x00, 24), ROTA_ERR_IO);
	CHECK(reads(0, 0x00, 8) && !reads(8, 0xFF, 8) && reads(16, 0xFF, 8));
	rota_sim_supply_plan(&supply, 2, ROTA_SIM_SILENT, 1);
	CHECK_OK(put(64, 0x00, 24));
	CHECK(reads(64, 0x00, 8) && reads(72, 0xFF, 8) && reads(80, 0x00, 8));
	CHECK_OK(put(256, 0x00, 8));
	rota_sim_supply_plan(&supply, 1, ROTA_SIM_SILENT, 1);
	CHECK_OK(rota_flash_sim_erase(&sim, 256, 256));
	CHECK(reads(256, 0x00, 8));
	rota_sim_supply_plan(&supply, 1, ROTA_SIM_FAIL, 1);
	CHECK_EQ(rota_flash_sim_erase(&sim, 256, 256), ROTA_ERR_IO);
	CHECK(sim.sectors[1].half_steps > 0);
}

TEST(nothing_is_left_to_free)
{
	rota_flash_sim_free(&sim);
	CHECK(sim.cells.pages == NULL && sim.sectors == NULL);
}

TESTS(T(a_torn_unit_has_old_and_new_bits), T(with_ecc_a_torn_unit_cannot_be_read),
	T(a_weak_unit_reads_erased_and_takes_no_program), T(a_half_erase_reads_otherwise_each_time),
	T(with_ecc_a_half_erase_reads_old_erased_or_not_at_all),
	T(an_erase_cut_at_its_ends_is_not_begun_or_done), T(only_what_was_not_synced_is_lost),
	T(an_unsynced_erase_may_not_have_been), T(bits_rot_and_ecc_mends_one_of_them),
	T(a_stuck_bit_stays_whatever_is_done), T(a_worn_sector_fails_and_others_do_not),
	T(operations_fail_aloud_or_silently), T(nothing_is_left_to_free))
