/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/vault_scene.h -- a vault on a simulated chip, its keys, and what it should hold.
 *
 * Contents follow from id and version, so what should be there is a version for each id. Keys follow from the generation.
 * The number of the opening is the scene's, as if it were committed each time; epochs are drawn from a stream. Every seal's key
 * and nonce are kept, over all openings and all flash that was put back, and one that comes twice is counted.
 *
 * One scene at a time stands in the globals below.
 */
#ifndef TESTS_UNIT_VAULT_SCENE_H
#define TESTS_UNIT_VAULT_SCENE_H

#include "ports/flash_sim/flash_sim.h"
#include "rota/store/vault.h"

#define VAULT_IDS 16 /* ids 0 to 15, spread over 32 bits */
#define VAULT_INDEX 32
#define VAULT_PLAIN_MAX 64

struct vault_board {
	const char *name, *like;
	struct rota_flash_sim_chip chip;
	uint32_t sector_len, sectors;
	uint8_t worn; /* so many of its first sectors take no erase any more */
};

#define VAULT_BOARDS 5
extern const struct vault_board vault_boards[VAULT_BOARDS];

/* All of a device's state that is neither on flash nor in prepared keys: a copy is a snapshot. */
struct vault_scene {
	struct rota_vault v;
	struct rota_vault_place index[VAULT_INDEX];
	uint32_t version[VAULT_IDS]; /* that each id should have; 0: no record */
	uint32_t last; /* version given last */
	uint32_t opening, active, gone; /* gone: a bit for each generation whose key is */
};

extern struct vault_scene scene;
extern struct rota_sim_supply supply;
extern struct rota_flash_sim sim;
extern struct rota_flash_sim_region region;
extern uint32_t vault_repeats; /* (key, nonce) that came twice */
extern bool vault_stale_random; /* each epoch drawn is the same one */
extern bool vault_branches; /* what is sealed now is one of several futures: nonces are not kept */

/* A blank chip of the board, an empty vault that is not open yet. */
enum rota_err vault_born(const struct vault_board *b);

/* Open with a new opening; end it, as a stop or a cut does. */
enum rota_err vault_open(void);
void vault_stop(void);

/* End the prepared keys, so that scene may be copied. */
void vault_rest(void);

/* Put the next version of an id, or remove it; scene.version follows when it is ROTA_OK. */
enum rota_err vault_put(uint32_t id);
enum rota_err vault_remove(uint32_t id);

/* Steps of `bytes` until nothing is left. */
enum rota_err vault_rewrite(uint32_t bytes);

/* The version that an id reads; 0 none, UINT32_MAX: an error, or bytes that were never put. */
uint32_t vault_reads(uint32_t id);

/* Whether each id reads as scene.version says; `but`, an id, may also read as version `other`. */
bool vault_holds(uint32_t but, uint32_t other);

/* Forget all nonces. */
void vault_forget(void);

#endif
