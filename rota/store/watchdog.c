/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/watchdog.h"
#include "rota/base/mem.h"

uint32_t rota_watchdog_slice_s(const struct rota_rom_watchdog *rom)
{
	uint32_t slice = rom->period_s / ROTA_WATCHDOG_SLICES;

	return slice > ROTA_WATCHDOG_SLICE_MIN_S ? slice : ROTA_WATCHDOG_SLICE_MIN_S;
}

void rota_watchdog_init(const struct rota_rom_watchdog *rom, struct rota_bootstate *state)
{
	state->watchdog.left_s = rom->period_s;
}

struct rota_time_keys rota_watchdog_keys(const struct rota_bootstate *state)
{
	static const uint8_t none[ROTA_SHA256_LEN];
	struct rota_time_keys keys = { 0 };

	for (uint8_t i = 0; i < ROTA_TIME_KEYS_MAX; i++) {
		if (memcmp(state->watchdog.keys[i], none, sizeof(none)) == 0)
			continue;
		memcpy(keys.sha256[keys.count++], state->watchdog.keys[i], ROTA_SHA256_LEN);
	}
	return keys;
}

/* Whether a whole period is worth a commit to who has so much left. Nothing left: in any case. */
static bool worth_it(const struct rota_rom_watchdog *rom, uint32_t left_s)
{
	uint32_t gain = rom->period_s / ROTA_WATCHDOG_GAINS, slice = rota_watchdog_slice_s(rom);

	if (left_s == 0 || left_s > rom->period_s)
		return true;
	return rom->period_s - left_s >= (gain > slice ? gain : slice);
}

bool rota_watchdog_refreshed(const struct rota_rom_watchdog *rom, const struct rota_time_keys *keys,
	struct rota_bootstate *state)
{
	struct rota_watchdog *dog = &state->watchdog, next = *dog;

	if (rom->period_s == 0)
		return false;
	memset(next.keys, 0, sizeof(next.keys));
	for (uint8_t i = 0; i < keys->count && i < ROTA_TIME_KEYS_MAX; i++)
		memcpy(next.keys[i], keys->sha256[i], ROTA_SHA256_LEN);
	next.left_s = rom->period_s;
	if (memcmp(next.keys, dog->keys, sizeof(next.keys)) == 0 && !worth_it(rom, dog->left_s))
		return false;
	*dog = next;
	return true;
}
