/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/sim_chip.h -- one simulated chip for the tests of the simulator, and short words for its use.
 *
 * start() makes it blank, with power and nothing planned; whatever it was before is freed.
 */
#ifndef TESTS_UNIT_SIM_CHIP_H
#define TESTS_UNIT_SIM_CHIP_H

#include "ports/flash_sim/flash_sim.h"
#include "tests/unit/test.h"

#define ALL 4096

/* 2 x 256, 1 x 512, 3 x 1024 bytes. */
static const struct rota_flash_sim_chip adds = {
	.runs = { { 256, 2 }, { 512, 1 }, { 1024, 3 } },
	.write_len = 8,
	.erased = 0xFF,
	.erase_steps = 4,
};

static struct rota_sim_supply supply;
static struct rota_flash_sim sim;
static uint8_t got[ALL];

/* The same, programmed once and with ECC. */
static inline struct rota_flash_sim_chip checked(void)
{
	struct rota_flash_sim_chip chip = adds;

	chip.once = true;
	chip.ecc = true;
	return chip;
}

static inline void start(const struct rota_flash_sim_chip *chip)
{
	rota_flash_sim_free(&sim);
	rota_sim_supply_init(&supply, 1);
	if (rota_flash_sim_init(&sim, chip, &supply) != ROTA_OK)
		test_fail(__FILE__, __LINE__, "no chip");
}

/* `len` bytes of `value`, at most 256. */
static inline enum rota_err put(uint32_t off, uint8_t value, size_t len)
{
	uint8_t bytes[256];

	memset(bytes, value, sizeof(bytes));
	return rota_flash_sim_write(&sim, off, rota_span(bytes, len));
}

static inline enum rota_err get(uint32_t off, size_t len)
{
	return rota_flash_sim_read(&sim, off, rota_buf(got, len));
}

/* Whether `len` bytes can be read and all are `value`. */
static inline bool reads(uint32_t off, uint8_t value, size_t len)
{
	if (get(off, len) != ROTA_OK)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (got[i] != value)
			return false;
	}
	return true;
}

/* The first sector written with 0x00, and an erase of it cut at sub-step 3 of 4. */
static inline void erase_half(void)
{
	if (put(0, 0x00, 256) != ROTA_OK)
		test_fail(__FILE__, __LINE__, "not written");
	rota_sim_supply_plan(&supply, 3, ROTA_SIM_CUT_TORN, 3);
	if (rota_flash_sim_erase(&sim, 0, 256) != ROTA_ERR_IO)
		test_fail(__FILE__, __LINE__, "not cut");
	rota_sim_supply_on(&supply);
}

#endif
