/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sim/board.h"

#include <string.h>

#define K 1024U

const struct sim_board sim_boards[SIM_BOARDS] = {
	{
		.name = "f4",
		.keys = { .runs = { { 4 * K, 10 } },
			.write_len = 4,
			.erased = 0xFF,
			.erase_steps = 8 },
		.key_sector = 4 * K,
		.like = "STM32F4: a few small sectors, one middle, many large; bits only leave 1",
		.chips = 1,
		.chip = { { .runs = { { 2 * K, 4 }, { 8 * K, 1 }, { 4 * K, 14 } },
			.write_len = 4,
			.erased = 0xFF,
			.erase_steps = 8 } },
		.area = {
			[SIM_BOOT] = { 0, 0, 4 * K, 0 },
			[SIM_DEVICE] = { 0, 4 * K, 12 * K, 0 },
			[SIM_SLOTS] = { 0, 16 * K, 12 * K, 0 },
			[SIM_SLOTS + 1] = { 0, 28 * K, 12 * K, 0 },
			[SIM_SLOTS + 2] = { 0, 40 * K, 4 * K, 0 },
			[SIM_SLOTS + 3] = { 0, 44 * K, 4 * K, 0 },
			[SIM_ORDERS] = { 0, 48 * K, 8 * K, 0 },
			[SIM_LOG] = { 0, 56 * K, 8 * K, 0 },
			[SIM_MAPS] = { 0, 64 * K, 4 * K, 0 },
			[SIM_MAPS + 1] = { 0, 68 * K, 4 * K, 0 },
		},
	},
	{
		.name = "h7",
		.keys = { .runs = { { 8 * K, 10 } },
			.write_len = 32,
			.erased = 0xFF,
			.once = true,
			.ecc = true,
			.erase_steps = 8 },
		.key_sector = 8 * K,
		.like = "STM32H7: units of 32 bytes under ECC, programmed once",
		.counters = SIM_ALL_COUNTERS,
		.chips = 1,
		.chip = { { .runs = { { 8 * K, 16 } },
			.write_len = 32,
			.erased = 0xFF,
			.once = true,
			.ecc = true,
			.erase_steps = 8 } },
		.area = {
			[SIM_BOOT] = { 0, 0, 16 * K, 0 },
			[SIM_DEVICE] = { 0, 16 * K, 16 * K, 0 },
			[SIM_SLOTS] = { 0, 32 * K, 16 * K, 0 },
			[SIM_SLOTS + 1] = { 0, 48 * K, 16 * K, 0 },
			[SIM_SLOTS + 2] = { 0, 64 * K, 8 * K, 0 },
			[SIM_SLOTS + 3] = { 0, 72 * K, 8 * K, 0 },
			[SIM_ORDERS] = { 0, 80 * K, 16 * K, 0 },
			[SIM_LOG] = { 0, 96 * K, 16 * K, 0 },
			[SIM_MAPS] = { 0, 112 * K, 8 * K, 0 },
			[SIM_MAPS + 1] = { 0, 120 * K, 8 * K, 0 },
		},
	},
	{
		.name = "l0",
		.keys = { .runs = { { 256, 160 } }, .write_len = 4, .erase_steps = 1 },
		.key_sector = 4 * K,
		.like = "STM32L0: erased bytes read 0, small pages that the port joins to sectors",
		.chips = 1,
		.chip = { { .runs = { { 256, 194 } }, .write_len = 4, .erase_steps = 1 } },
		.area = {
			[SIM_BOOT] = { 0, 0, 4 * K, 2 * K },
			[SIM_DEVICE] = { 0, 4 * K, 4 * K, 2 * K },
			[SIM_SLOTS] = { 0, 8 * K, 12 * K, 2 * K },
			[SIM_SLOTS + 1] = { 0, 20 * K, 12 * K, 2 * K },
			[SIM_SLOTS + 2] = { 0, 32 * K, 2 * K, 2 * K },
			[SIM_SLOTS + 3] = { 0, 34 * K, 2 * K, 2 * K },
			[SIM_ORDERS] = { 0, 36 * K, 8 * K, 2 * K },
			[SIM_LOG] = { 0, 44 * K, 4 * K, 2 * K },
			[SIM_MAPS] = { 0, 48 * K, 256, 256 },
			[SIM_MAPS + 1] = { 0, 48 * K + 256, 256, 256 },
		},
	},
	{
		.name = "n",
		.keys = { .runs = { { 4 * K, 10 } },
			.write_len = 4,
			.erased = 0xFF,
			.erase_steps = 8 },
		.key_sector = 4 * K,
		.like = "a microcontroller with its journals inside and its images on a serial NOR chip",
		.counters = SIM_ALL_COUNTERS,
		.chips = 2,
		.chip = { { .runs = { { 4 * K, 4 } },
				  .write_len = 4,
				  .erased = 0xFF,
				  .erase_steps = 8 },
			{ .runs = { { 4 * K, 14 } },
				.write_len = 1,
				.erased = 0xFF,
				.erase_steps = 8 } },
		.area = {
			[SIM_BOOT] = { 0, 0, 8 * K, 0 },
			[SIM_DEVICE] = { 0, 8 * K, 8 * K, 0 },
			[SIM_SLOTS] = { 1, 0, 12 * K, 0 },
			[SIM_SLOTS + 1] = { 1, 12 * K, 12 * K, 0 },
			[SIM_SLOTS + 2] = { 1, 24 * K, 4 * K, 0 },
			[SIM_SLOTS + 3] = { 1, 28 * K, 4 * K, 0 },
			[SIM_ORDERS] = { 1, 32 * K, 8 * K, 0 },
			[SIM_LOG] = { 1, 40 * K, 8 * K, 0 },
			[SIM_MAPS] = { 1, 48 * K, 4 * K, 0 },
			[SIM_MAPS + 1] = { 1, 52 * K, 4 * K, 0 },
		},
	},
};

const struct sim_board *sim_board_find(const char *name)
{
	for (int i = 0; i < SIM_BOARDS; i++) {
		if (strcmp(sim_boards[i].name, name) == 0)
			return &sim_boards[i];
	}
	return NULL;
}
