/* SPDX-License-Identifier: Apache-2.0 */
/* rota/update/keys.h -- the data keys of a device, in its update cycle (SPEC 34.7, docs/rotation.md).
 *
 * A cycle of a device that has data keys asks, behind retirements and revocations and before the rollout policy, what is
 * new of them: it reads both lists of campaigns under their roles, takes part where it is its turn, opens its bundle, shows the
 * server that it has the key, switches when the time has come, destroys what may go, and says what it holds. Nothing of it stops an update,
 * and no update stops it: what went wrong stands in rota_update_keys_why(), and the next poll tries again.
 *
 * Beside the wants of every cycle (rota/update/update.h) there are
 *
 *     ROTA_UPDATE_FETCH_TARGET       with path keys/link/PRODUCT.json or keys/store/PRODUCT.json, as any target
 *     ROTA_UPDATE_FETCH_KEYS         the answer of the campaign want.sha256, at most want.length bytes (SPEC 33.6); feed and
 *                                    done. ROTA_ERR_NOT_FOUND: there is none for this device (404)
 *     ROTA_UPDATE_SEND_STATEMENT     give want.statement to the server (SPEC 35.1). rota_update_done() with ROTA_OK: taken (204);
 *                                    ROTA_ERR_DENIED: signature or proof are wrong (422); rota_update_out_of_turn():
 *                                    the server knows another number (409); any other error: not now
 *
 * All that a device without data keys carries of this is a pointer: the functions here are linked where `rota_key_work`
 * is named.
 *
 * The caller opens the key slots before each cycle and settles nothing: whether their journals are the newest is
 * judged by the cycle (SPEC 9.6). Where they are blank, first keys are made.
 */
#ifndef ROTA_UPDATE_KEYS_H
#define ROTA_UPDATE_KEYS_H

#include "rota/codec/keys.h"
#include "rota/codec/statement.h"
#include "rota/port/aead.h"
#include "rota/store/keyslots.h"
#include "rota/trust/keyanswer.h"
#include "rota/trust/keybind.h"
#include "rota/update/update.h"

/* What the cycle calls of it; private. */
struct rota_key_work;
extern const struct rota_key_work rota_key_work;

/* A campaign to take part in: of each purpose the one with the highest generation. */
struct rota_key_pick {
	uint32_t generation; /* 0: none */
	uint8_t campaign[ROTA_SHA256_LEN];
};

/* What a cycle remembers; the caller places it, and nothing in it outlives the cycle. Private. */
struct rota_key_desk {
	struct rota_key_rise rise;
	struct rota_retired_pairs pairs;
	struct rota_why why; /* the first trouble */
	uint64_t now_s;
	uint8_t role; /* whose list is read: ROTA_KEYS_LINK, ROTA_KEYS_STORE */
	uint8_t purpose; /* that is being worked at */
	uint8_t saying; /* kind of the statement that is out, 0: none */
	bool ready; /* settled */
	bool unsure; /* the journal is blank, and the root of trust does not say whether it ever named a key */
	bool fresh; /* keys were made anew */
	bool renewed; /* since the server has another number: once in a cycle */
	bool counted; /* likewise, the number of statements */
	bool failed; /* the session did, on the way */
	uint32_t told; /* what a server that is out of turn knows */
	uint32_t generation; /* of the statement that is out */
	uint32_t retired[ROTA_PURPOSES_MAX]; /* as the file at hand says */
	uint64_t list_len;
	uint8_t list_sha256[ROTA_SHA256_LEN];
	struct rota_key_pick pick[ROTA_PURPOSES_MAX]; /* purpose - 1 */
	uint8_t asked_count;
	uint8_t asked[ROTA_PURPOSES_MAX]; /* purposes whose campaign revocations were asked of */
	uint32_t aborted; /* bits of purposes whose staged key's campaign was */
	struct rota_keyanswer answer;
	struct rota_keyroot root;
	uint16_t statement_len;
	uint8_t statement[ROTA_STATEMENT_MAX];
	struct rota_keys_decoder file;
};

struct rota_update_keys {
	const struct rota_key_work *work; /* &rota_key_work */
	struct rota_key_desk *desk;
	/* As rota_keyslots_open() left them, whatever it said; scratch, crypto, rot and device are set, rise is the cycle's. */
	struct rota_keyslots *slots;
	const struct rota_aead *aead;

	/* What lies sealed here. needs: the least generation of a purpose that something still wants, 0: none; 1 as long as that is
	 * not known. records: how many want more than the active one. NULL: nothing was ever sealed that stays. */
	void *vault_ctx;
	uint32_t (*needs)(void *ctx, uint8_t purpose);
	uint32_t (*records)(void *ctx, uint8_t purpose);

	/* Purposes in which this device takes part: bits (1u << purpose); 0: all. */
	uint32_t purposes;
	/* Say that the device is decommissioned, and, when that was taken, destroy all keys but the identity, in this cycle. */
	bool decommission;
};

/* The statement that is wanted to be sent is out of turn: the server's row has this number. In place of rota_update_done(). */
void rota_update_out_of_turn(struct rota_update *u, uint32_t counter);

/* The first thing that went wrong with the data keys in this cycle, for a person; err ROTA_OK: nothing did. Only where
 * config.keys is set. */
const struct rota_why *rota_update_keys_why(const struct rota_update *u);

#endif
