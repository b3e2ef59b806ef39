/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/key_server.h -- what a device with data keys finds on the other side: campaigns whose lists a repository in memory
 * signs, answers with bundles that are sealed to it, and a server that takes its statements, or one that does not.
 *
 * The server is told the device's identity and first agree key as a factory would. Each campaign has one tree of
 * TREE_LEAVES bundles, of which one is the device's. A test may spoil what goes out, and play answers of before.
 */
#ifndef TESTS_UNIT_KEY_SERVER_H
#define TESTS_UNIT_KEY_SERVER_H

#include "rota/codec/keys.h"
#include "rota/codec/statement.h"
#include "rota/crypto/datakey.h"
#include "rota/trust/keyanswer.h"
#include "tests/unit/repo_maker.h"

#define KEY_CAMPAIGNS_MAX 24
#define KEY_TREE_LEAVES 5
#define KEY_TREE_PROOF 4
#define KEY_POOL 16 /* leaves of a tree that is sealed to a pool of agree keys */

/* What is wrong with a bundle. */
struct key_fault {
	bool base; /* sealed in base mode, whatever is known */
	bool factory; /* under the factory secret's psk, whatever was proved */
	bool other_device; /* another device's locator and info */
	bool other_psk; /* of a secret that nobody has */
	uint64_t other_activation; /* sealed to other terms than the list has */
	uint8_t other_campaign; /* sealed to another id */
};

struct key_campaign {
	uint8_t purpose, cipher;
	const char *state; /* "active", ... */
	bool emergency, unlisted;
	bool other_role; /* it stands in the other role's list */
	uint32_t generation, overlap_s, ppm;
	uint64_t activation_s, from_s;
	uint8_t id[32];
	uint8_t secret[ROTA_SECRET_LEN];
	struct key_fault fault;
	bool sealed; /* there is an answer */
	uint32_t size;
	uint8_t root[32];
	uint8_t bundle[ROTA_KEYBUNDLE_LEN];
	uint8_t proof[KEY_TREE_PROOF * 32];
	uint8_t proof_count;
	uint8_t (*pool)[ROTA_KEYBUNDLE_LEN]; /* one for each key of the server's pool; NULL: none */
};

struct key_server {
	struct maker *m;
	int role[2]; /* of the repository: ROTA_KEYS_LINK, ROTA_KEYS_STORE */
	uint64_t sequence[2];
	const char *product; /* of the lists */
	struct rota_span spki; /* the device's, */
	uint8_t device[32], identity[ROTA_P256_KEY_LEN]; /* its id and the key that signs for it */

	/* its row */
	uint32_t counter;
	uint8_t agree[ROTA_P256_KEY_LEN];
	uint32_t count; /* of statements of kind 2 and 4 */
	bool has_factory, gone;
	uint8_t factory[ROTA_SECRET_LEN];
	uint32_t proved[ROTA_PURPOSES_MAX];

	struct key_campaign campaign[KEY_CAMPAIGNS_MAX];
	int campaigns;
	const uint8_t (*pool)[ROTA_P256_KEY_LEN]; /* agree keys that the device may come to have */
	uint8_t nonce; /* of the last answer */
	struct rota_statement last; /* that was taken, of kind 2 */
	int asked; /* answers wanted */
	int taken[5]; /* by kind; repeats count */
	int refused, out_of_turn;
	bool away; /* statements do not come through */
	bool unheard; /* they do, and the answer gets lost */
	bool refuses; /* every proof */
	bool refuses_behind; /* every proof that comes behind kind 3 */
	uint32_t lies; /* as what number it has; 0: the truth */
};

/* Roles keys-link and keys-store below targets; no lists yet. */
void key_server_init(struct key_server *s, struct maker *m, uint64_t now_s);

/* A campaign of a purpose for everybody, sealed to the device's agree key as the row has it. */
struct key_campaign *key_campaign(
	struct key_server *s, uint8_t purpose, uint32_t generation, uint64_t activation_s);
void key_campaign_seal(struct key_server *s, struct key_campaign *c);

/* A campaign that is signed before it is known which agree key the device will have: one bundle for each of the pool,
 * under the psk of the generation before, or the factory's. */
struct key_campaign *key_campaign_for_pool(
	struct key_server *s, uint8_t purpose, uint32_t generation, uint64_t activation_s);

/* Both lists anew, each with the newest two of a purpose that are not unlisted, and a new sequence. */
void key_server_publish(struct key_server *s, uint64_t now_s);

/* The answer for a campaign into `room`, ROTA_KEYANSWER_MAX bytes; *len. ROTA_ERR_NOT_FOUND: none. */
enum rota_err key_server_answer(
	struct key_server *s, const uint8_t id[static 32], uint8_t *room, size_t *len);

/* As the want ends: ROTA_OK, ROTA_ERR_DENIED, ROTA_ERR_VERSION with *counter, ROTA_ERR_NET. */
enum rota_err key_server_take(struct key_server *s, struct rota_span bytes, uint32_t *counter);

#endif
