/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/keys.h"

/* Whether some key from `floor` on is of the algorithm that images are signed with. */
static bool usable_from(const struct rota_rom *rom, uint8_t floor)
{
	for (uint8_t i = floor; i < rom->key_count; i++) {
		if (rom->key[i].alg == ROTA_ALG_ECDSA_P256)
			return true;
	}
	return false;
}

uint8_t rota_boot_key_floor_max(const struct rota_rom *rom)
{
	uint8_t floor = rom->key_count;

	while (floor > 0 && !usable_from(rom, floor))
		floor--;
	return floor;
}

uint8_t rota_boot_key_floor(const struct rota_rom *rom, uint8_t floor)
{
	uint8_t most = rota_boot_key_floor_max(rom);

	return floor < most ? floor : most;
}

uint8_t rota_boot_key_reach(uint8_t keys)
{
	uint8_t reach = 0;

	if (keys >> ROTA_BOOT_KEY_ADDED != 0)
		return UINT8_MAX; /* a recovery order's business: floors do not touch it */
	for (uint8_t i = 0; i < ROTA_ROM_KEYS_MAX; i++)
		reach = keys >> i & 1 ? i : reach;
	return reach;
}
