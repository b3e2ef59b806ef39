/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/journal_life.h"

#include <string.h>

#define WEAR                                                                                       \
	40 /* erases that a sector bears where some are worn: more than a life and what follows takes */

const struct board boards[BOARDS] = {
	{ .name = "NOR, 2 x 256, unit 1, 0xFF",
		.chip = { .runs = { { 256, 2 } },
			.write_len = 1,
			.erased = 0xFF,
			.erase_steps = 4 },
		.sector_len = 256,
		.sectors = 2 },
	{ .name = "ECC, 3 x 512 of (256, 256, 512, 512), unit 8, 0xFF",
		.chip = { .runs = { { 256, 2 }, { 512, 2 } },
			.write_len = 8,
			.erased = 0xFF,
			.once = true,
			.ecc = true,
			.erase_steps = 4 },
		.sector_len = 512,
		.sectors = 3 },
	{ .name = "ECC, 2 x 512, unit 32, 0xFF",
		.chip = { .runs = { { 512, 2 } },
			.write_len = 32,
			.erased = 0xFF,
			.once = true,
			.ecc = true,
			.erase_steps = 4 },
		.sector_len = 512,
		.sectors = 2 },
	{ .name = "NOR, 256, 512, 256, unit 4, 0xFF",
		.chip = { .runs = { { 256, 1 }, { 512, 1 }, { 256, 1 } },
			.write_len = 4,
			.erased = 0xFF,
			.erase_steps = 4 } },
	{ .name = "once, 4 x 256, unit 4, 0x00",
		.chip = { .runs = { { 256, 4 } },
			.write_len = 4,
			.erased = 0x00,
			.once = true,
			.erase_steps = 4 },
		.sector_len = 256,
		.sectors = 4 },
	{ .name = "ECC, 512 worn, 256, 256, 512, unit 16, 0xFF",
		.chip = { .runs = { { 512, 1 }, { 256, 2 }, { 512, 1 } },
			.write_len = 16,
			.erased = 0xFF,
			.once = true,
			.ecc = true,
			.erase_steps = 4,
			.erase_limit = WEAR },
		.worn = 1 },
};

struct rota_sim_supply supply;
struct rota_flash_sim sim;
struct rota_flash_sim_region region;
struct rota_flash_sim_image before[COMMITS + 1];
struct rota_journal found[COMMITS + 1];

/* Payload of the n-th commit. Its length varies, so that sectors end at every kind of place; its bytes are
 * now and then those of an erased chip. */
static struct rota_span payload(int n, uint8_t room[static PAYLOAD_MAX])
{
	static const uint8_t fills[] = { 0xFF, 0xA5, 0x00 };
	size_t len = 1 + (size_t)(n * 37 % 113);

	memset(room, fills[n % 3], len);
	room[0] = (uint8_t)n;
	return rota_span(room, len);
}

enum rota_err commit(struct rota_journal *j, int n)
{
	uint8_t room[PAYLOAD_MAX];

	return rota_journal_commit(j, payload(n, room));
}

int current(const struct rota_journal *j)
{
	uint8_t room[PAYLOAD_MAX], want[PAYLOAD_MAX];
	struct rota_span got;
	enum rota_err err = rota_journal_load(j, ROTA_BUF(room), &got);

	if (err == ROTA_ERR_NOT_FOUND || (err == ROTA_ERR_CORRUPT && !j->held))
		return 0;
	if (err != ROTA_OK || got.len == 0 || !rota_span_eq(got, payload(room[0], want)))
		return -1;
	return room[0];
}

int reopened(struct rota_journal *j)
{
	int first;

	if (rota_journal_open(j, &region.port, ROTA_JOURNAL_BOOT) != ROTA_OK)
		return -1;
	first = current(j);
	if (rota_journal_open(j, &region.port, ROTA_JOURNAL_BOOT) != ROTA_OK)
		return -1;
	return current(j) == first ? first : -1;
}

static enum rota_err wear_out(const struct board *b)
{
	for (uint32_t i = 0; i < b->worn; i++) {
		for (int k = 0; k < WEAR; k++)
			ROTA_TRY(rota_flash_sim_erase(&sim, sim.sectors[i].at, sim.sectors[i].len));
	}
	return ROTA_OK;
}

enum rota_err be_born(const struct board *b)
{
	rota_flash_sim_free(&sim);
	rota_sim_supply_init(&supply, 1);
	ROTA_TRY(rota_flash_sim_init(&sim, &b->chip, &supply));
	ROTA_TRY(wear_out(b));
	if (b->sectors > 0)
		return rota_flash_sim_region(&region, &sim, 0, b->sector_len, b->sectors);
	return rota_flash_sim_region_own(&region, &sim, 0, sim.size);
}

enum rota_err live(const struct board *b)
{
	struct rota_journal j;

	forget(); /* what a test that failed left */
	ROTA_TRY(be_born(b));
	ROTA_TRY(rota_journal_open(&j, &region.port, ROTA_JOURNAL_BOOT));
	for (int n = 1; n <= COMMITS; n++) {
		found[n] = j;
		ROTA_TRY(rota_flash_sim_save(&sim, &before[n]));
		ROTA_TRY(commit(&j, n));
	}
	return ROTA_OK;
}

void forget(void)
{
	for (int n = 1; n <= COMMITS; n++)
		rota_flash_sim_image_free(&before[n]);
	rota_flash_sim_free(&sim);
}

uint32_t usable(const struct board *b)
{
	return rota_flash_sectors(region.port.run) - b->worn;
}

int go_on(struct rota_journal *j, int from, int to)
{
	for (int n = from; n <= to; n++) {
		if (commit(j, n) != ROTA_OK)
			return n - 1;
	}
	return to;
}

bool goes_on(struct rota_journal *j, int now)
{
	return go_on(j, now + 1, now + AFTER) == now + AFTER && reopened(j) == now + AFTER;
}
