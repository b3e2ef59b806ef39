/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/keyed_device.h -- a device of a world that has data keys: key journal, archive and a soft root of trust on
 * flash of their own, and the server of its keys.
 *
 * One device at a time, in the world that the test gives. Each cycle begins with the journals opened anew, as after a start.
 */
#ifndef TESTS_UNIT_KEYED_DEVICE_H
#define TESTS_UNIT_KEYED_DEVICE_H

#include "ports/flash_sim/flash_sim.h"
#include "ports/rot_soft/rot_soft.h"
#include "tests/unit/key_server.h"
#include "tests/unit/world.h"

struct keyed_parts {
	struct rota_sim_supply supply;
	struct rota_flash_sim chip, vault; /* of journals; of the root of trust */
	struct rota_flash_sim_region keys, archive, page;
	struct rota_rot_soft soft;
	struct rota_keyslots slots;
	struct rota_key_desk desk;
	struct rota_update_keys config;
	uint8_t id[32], scratch[ROTA_KEYSTATE_LEN_MAX];
	uint32_t needs[ROTA_PURPOSES_MAX], records[ROTA_PURPOSES_MAX]; /* the vault's word */
	bool busy; /* somebody else has the journals */
	uint64_t writes; /* operations of flash in the last cycle */

	/* the answer on its way: */
	bool cut_short, too_long, other_byte, other_answer; /* other_answer: that of `answer` */
	uint8_t answer[32];
};
extern struct keyed_parts keyed;
extern struct key_server keyserver;

/* The world `w`, initialized before, gets data keys, as a factory leaves them; then one cycle, in which it tells its agree
 * key. */
struct world *keyed_device(struct world *w);

/* A cycle after a start. */
enum rota_update_want_kind keyed_cycle(struct world *w);

/* Cycles, with a boot after each that asks for one. */
enum rota_update_want_kind keyed_settle(struct world *w);

/* Key journal and archive are read out, and put back. */
void keyed_read_out(void);
void keyed_put_back(void);

/* The generations that it holds. */
struct rota_key_held keyed_held(uint8_t purpose);

/* Whether the key of a use is the one that the campaign delivered. */
bool keyed_opens(uint8_t purpose, uint32_t generation, enum rota_key_use use);

#endif
