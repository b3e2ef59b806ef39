/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/watchdog.h -- what a verified refresh leaves in the boot state for the watchdog (SPEC 10.8).
 *
 * The agent's half; what boot makes of it is boot/watchdog.h. Pure functions over the boot state.
 */
#ifndef ROTA_STORE_WATCHDOG_H
#define ROTA_STORE_WATCHDOG_H

#include "rota/codec/rom.h"
#include "rota/store/bootstate.h"
#include "rota/trust/signedtime.h"

#define ROTA_WATCHDOG_SLICES 64 /* of a period: it is spent a slice at a time, each a commit */
#define ROTA_WATCHDOG_SLICE_MIN_S 900
#define ROTA_WATCHDOG_GAINS 8 /* of a period: what a refresh must gain to be worth a commit */

uint32_t rota_watchdog_slice_s(const struct rota_rom_watchdog *rom);

/* What the factory writes: a whole period. */
void rota_watchdog_init(const struct rota_rom_watchdog *rom, struct rota_bootstate *state);

/* A refresh was verified, down to top-level targets, whose `time` role has these keys: a whole period is left.
 * True: to be committed. An eighth of a period more (a slice, if that is more) is what it must gain, or other
 * keys; else nothing is changed. */
bool rota_watchdog_refreshed(const struct rota_rom_watchdog *rom, const struct rota_time_keys *keys,
	struct rota_bootstate *state);

/* The keys that the last verified refresh left. */
struct rota_time_keys rota_watchdog_keys(const struct rota_bootstate *state);

#endif
