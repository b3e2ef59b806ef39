/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/key_device.h -- a device that has data keys and nothing else: key journal, archive, root of trust, and a
 * state counter with device and boot journals that carry its number, all on one supply.
 *
 * Switched on it does what a device does (SPEC 9.6): judges whether its journals are the newest, finishes a rise that was
 * cut off, and settles its keys unless they are restored.
 */
#ifndef TESTS_UNIT_KEY_DEVICE_H
#define TESTS_UNIT_KEY_DEVICE_H

#include "ports/counter_sim/counter_sim.h"
#include "ports/flash_sim/flash_sim.h"
#include "rota/store/binding.h"
#include "rota/store/keyslots.h"
#include "tests/unit/rot_mem.h"

/* Shapes of chips as host/sim/board.h has them; sectors of sector_len, which may be several of the chip's. */
struct key_board {
	const char *name;
	struct rota_flash_sim_chip chip;
	uint32_t sector_len;
};
#define KEY_BOARDS 4
extern const struct key_board key_boards[KEY_BOARDS];

enum key_place { KEY_KEYS, KEY_ARCHIVE, KEY_DEVICE, KEY_BOOT, KEY_PLACES };

struct key_device {
	const struct key_board *board;
	struct rota_sim_supply supply;
	struct rota_flash_sim chip;
	struct rota_flash_sim_region place[KEY_PLACES];
	struct rota_counter_sim counters;
	struct rota_counter counter; /* `have` 0: nothing counts */
	struct rot_mem rot;
	struct rota_key_rise rise;
	struct rota_journal journal[KEY_PLACES]; /* of device and boot */
	uint32_t number[KEY_PLACES]; /* in them */
	uint64_t draws;
	bool same_random; /* its random bytes repeat themselves */
	struct rota_random random;
	uint8_t id[32], scratch[ROTA_KEYSTATE_LEN_MAX];
	enum rota_binding verdict; /* at the last switching on */
	struct rota_keyslots keys;
};

/* What outlives the power. Starts as { 0 }. */
struct key_image {
	struct rota_flash_sim_image chip;
	struct rot_mem_keys rot;
	uint32_t counter;
};

/* A device that has no keys yet, on. Not moved while it is in use. ROTA_ERR_FULL: no memory. */
ROTA_MUST_USE enum rota_err key_device_init(
	struct key_device *d, const struct key_board *board, bool counts);
void key_device_free(struct key_device *d);

/* Power comes back, or the device starts anew. What came of opening and settling; with restored journals they are
 * opened alone. */
ROTA_MUST_USE enum rota_err key_device_on(struct key_device *d);

ROTA_MUST_USE enum rota_err key_device_save(struct key_device *d, struct key_image *image);
void key_device_restore(struct key_device *d, const struct key_image *image);
/* What a thief does: this place of the flash as it was, all else as it is. */
ROTA_MUST_USE enum rota_err key_device_put_back(
	struct key_device *d, const struct key_image *image, enum key_place place);
void key_image_free(struct key_image *image);

/* The secret that the campaign of a generation delivers, and what is offered with it: valid from `at` on, with an overlap
 * of a day. */
#define KEY_DAY 86400u
void key_secret(uint8_t purpose, uint32_t generation, uint8_t secret[static ROTA_SECRET_LEN]);
struct rota_key_slot key_offer(uint8_t purpose, uint32_t generation, uint64_t at);

/* Whether the key of a use is the one that follows from that secret. */
bool key_opens(
	const struct key_device *d, uint8_t purpose, uint32_t generation, enum rota_key_use use);

#endif
