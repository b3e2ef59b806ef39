/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-boot/show_state.h -- the boot state (SPEC 10.1) for a person or a program. */
#ifndef APPS_ROTA_BOOT_SHOW_STATE_H
#define APPS_ROTA_BOOT_SHOW_STATE_H

#include "ports/slots_boot/components.h"
#include "rota/codec/rom.h"
#include "rota/store/bootstate.h"

/* By component and place: what becomes of an image behind the confirmed one that lies there. */
struct show_fates {
	const char *of[ROTA_SET_MAX][2];
};

/* How the last trial ended, in a word. */
const char *show_outcome(const struct rota_bootstate *s);

/* Lines: which set every boot runs, which is behind it, the last trial, and the numbers that only rise. `counter` is the
 * security counter in force. */
void show_state_text(const struct rota_bootstate *s, const struct rota_components *set,
	const struct rota_rom *rom, uint32_t counter, const struct show_fates *fates);

/* One object. */
void show_state_json(const struct rota_bootstate *s, const struct rota_rom *rom);

#endif
