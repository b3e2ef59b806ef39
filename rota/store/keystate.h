/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/keystate.h -- which data keys a device holds, as the payload of a journal (SPEC 34.1).
 *
 * All that changes together: three slots a purpose (the key before, the one in use, the one to come), which places of
 * the root of trust count, and numbers that only rise. No secret is in it in clear: a slot has what the root of trust
 * wrapped, and its first byte says under which wrap key.
 *
 * Bytes and what can be said of them alone; when they change is rota/store/keyslots.h. The bytes of the key journal
 * are a format byte 1 and fields of (id u8, length u16, value), ids ascending, as in rota/store/state.h. Of ids that are
 * not known, those below 0x80 are ROTA_ERR_UNSUPPORTED, the others are passed over and gone with the next commit.
 */
#ifndef ROTA_STORE_KEYSTATE_H
#define ROTA_STORE_KEYSTATE_H

#include "rota/crypto/datakey.h"
#include "rota/port/rot.h"

#define ROTA_KEY_SLOTS_MAX 15 /* five purposes, three each */
#define ROTA_KEYSTATE_LEN_MAX 2048 /* every list full is 2,045 bytes */
#define ROTA_KEY_PLACE_NONE 0xFF /* of agree_next: no next key was made */

/* Order in which a key goes from the highest to the lowest. */
enum rota_key_slot_state {
	ROTA_KEY_NONE,
	ROTA_KEY_PREVIOUS, /* for reading */
	ROTA_KEY_IN_USE, /* the active one */
	ROTA_KEY_STAGED, /* opened; not used before its proof was acknowledged and its time has come */
};

/* Bits of a slot's flags. Active and previous keys are proved. */
#define ROTA_KEY_PROVED 1 /* the server has acknowledged its proof */
#define ROTA_KEY_SENT 4 /* a statement of it may have gone out */

/* Of the state's. */
#define ROTA_KEYS_GONE 1 /* transferred or decommissioned: all keys are being destroyed, or are */
#define ROTA_KEYS_ANEW 2 /* the server is to be told of the agree key by a statement of kind 3 */

struct rota_key_slot {
	uint8_t purpose; /* enum rota_purpose */
	uint8_t state; /* enum rota_key_slot_state */
	uint8_t cipher; /* 1, 2 (SPEC 31.2) */
	uint8_t flags;
	uint32_t generation; /* from 1 */
	uint64_t activation_s;
	uint64_t
		until_s; /* staged: activation and its campaign's overlap; previous: end of use; active: 0 */
	uint8_t campaign[ROTA_SHA256_LEN];
	uint8_t wrapped[ROTA_WRAPPED_LEN];
};

/* Which signed list of campaigns was seen last (SPEC 32.2). sequence 0: none. */
struct rota_keys_seen {
	uint64_t sequence;
	uint8_t sha256[ROTA_SHA256_LEN];
};
enum { ROTA_KEYS_LINK, ROTA_KEYS_STORE, ROTA_KEYS_ROLES };

/* Of one purpose. */
struct rota_key_numbers {
	uint32_t highest; /* generation ever taken */
	uint32_t retired; /* up to */
	uint64_t used; /* seals of the active key that were reserved */
};

/* What the last statement of kind 2 said, as far as is needed to know whether there is news. Tags are of the contents that
 * the caller hashed: chance alone makes two equal. */
#define ROTA_KEY_REPORT_TAG_LEN 6
struct rota_key_report {
	uint32_t at_s; /* 0: there was none */
	bool taken; /* by the server */
	uint8_t generations[ROTA_KEY_REPORT_TAG_LEN]; /* of those alone */
	uint8_t all[ROTA_KEY_REPORT_TAG_LEN];
};

struct rota_keystate {
	uint32_t binding; /* SPEC 9.6 */
	uint32_t counter; /* number of the agree key in force, from 1 */
	uint32_t statements; /* of kind 2 made */
	uint32_t opening; /* of the vault, the last */
	uint8_t wrap; /* place in force: 0 or 1 */
	uint8_t agree; /* likewise */
	uint8_t agree_next; /* the other one, or ROTA_KEY_PLACE_NONE */
	uint8_t flags;
	struct rota_keys_seen seen[ROTA_KEYS_ROLES];
	struct rota_key_numbers of[ROTA_PURPOSES_MAX]; /* purpose - 1 */
	uint8_t slot_count;
	struct rota_key_slot slot[ROTA_KEY_SLOTS_MAX]; /* ascending by (purpose, state) */
	bool has_factory;
	uint8_t factory[ROTA_WRAPPED_LEN]; /* the factory secret, under the seed (SPEC 28.7) */
	struct rota_key_report report;
};

/* The slot of a purpose in that state, or of that generation; NULL: there is none. */
struct rota_key_slot *rota_keystate_slot(
	struct rota_keystate *s, uint8_t purpose, enum rota_key_slot_state state);
const struct rota_key_slot *rota_keystate_generation(
	const struct rota_keystate *s, uint8_t purpose, uint32_t generation);

/* Put a slot where it belongs; one of its purpose and state is replaced. ROTA_ERR_FULL: ROTA_KEY_SLOTS_MAX are there. */
ROTA_MUST_USE enum rota_err rota_keystate_put(
	struct rota_keystate *s, const struct rota_key_slot *slot);
/* Those behind it move. Where there is none: nothing to do. */
void rota_keystate_remove(struct rota_keystate *s, uint8_t purpose, enum rota_key_slot_state state);

/* The payload into `room` (ROTA_KEYSTATE_LEN_MAX bytes suffice); *out is the part used. ROTA_ERR_ARGUMENT: a state that
 * decode would refuse. */
ROTA_MUST_USE enum rota_err rota_keystate_encode(
	const struct rota_keystate *s, struct rota_buf room, struct rota_span *out);

/* ROTA_ERR_FORMAT: not such a payload, or values that do not agree. ROTA_ERR_UNSUPPORTED: of a later release. *out is
 * of no use then. */
ROTA_MUST_USE enum rota_err rota_keystate_decode(struct rota_span in, struct rota_keystate *out);

#endif
