/* SPDX-License-Identifier: Apache-2.0 */
/* tests/powercut/keyslife.h -- all that happens to a device's data keys in its life, as steps that can be done again.
 *
 * A step does what a device would do next, seen from what its journals say: where it was done already it does nothing. So
 * after a cut the step that was cut is taken again, and the life goes on. What a server would remember stands
 * beside the device: the agree key of each counter that a statement named, and the openings of the vault.
 */
#ifndef TESTS_POWERCUT_KEYSLIFE_H
#define TESTS_POWERCUT_KEYSLIFE_H

#include "tests/unit/key_device.h"

#define KEYS_COUNTERS 32
#define KEYS_GENERATIONS 12 /* of each purpose, in a life */
#define KEYS_PURPOSES 2 /* storage and telemetry */

struct keys_memory {
	bool named[KEYS_COUNTERS];
	uint8_t point[KEYS_COUNTERS][ROTA_P256_KEY_LEN];
	uint32_t opening; /* the last that a record may have been sealed with */
	uint32_t statement; /* the last that may have been sent */
};

struct keys_life {
	struct key_device device;
	struct keys_memory memory;
	const char *wrong; /* the first thing that must not be, or NULL */
};

extern const int keys_steps;

/* What a step does, in a word. */
const char *keys_step_name(int step);

/* Take it. What the device said; ROTA_OK too where it was taken before. */
ROTA_MUST_USE enum rota_err keys_step(struct keys_life *l, int step);

/* Bits of the generations that open for reading, from bit 1, by purpose. */
void keys_readable(struct keys_life *l, uint32_t readable[static KEYS_PURPOSES]);

#endif
