/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/keyslots.h -- a device's data keys from the moment a bundle has opened until they are destroyed.
 *
 * Each purpose has three slots: previous (reading), active, staged. What leaves them and is needed still goes to the
 * archive, for reading. Every change is one commit of the key journal, at most after one of the archive; what it allows
 * to be destroyed in the root of trust is destroyed after it. So a cut leaves a device before or behind the
 * change, with at most something in the root of trust that no journal names: rota_keyslots_settle() destroys that.
 *
 *     staged --prove, acknowledged--> staged and proved --its time--> active --a newer one--> previous --> archive
 *        `-- disproved, dropped, overtaken: gone                     previous, archive --retired, not needed--> destroyed
 *
 * Destroyed for good: wrapped copies lie in sectors that are not erased yet, and in whatever a thief has read out. So a
 * destruction makes a new wrap key, wraps all that stays under it, names it in the journals, and destroys the old one.
 *
 * Agree keys (to which bundles are sealed) take turns in two places: the next one is made and named before its
 * statement goes out, both open bundles meanwhile, and the old one is destroyed when a bundle to the next has opened.
 *
 * A switch and a destruction must not be undone by older flash: they are committed as one rise of the state counter
 * (SPEC 9.6), through `rise`. On older flash nothing may be settled: it would destroy what is in force today. So
 * opening only reads, and the caller settles once 9.6 says that the journals are current. Without a state
 * counter the root of trust tells: what the journals name must be there and open.
 *
 * After a failed call what is in RAM is what is on flash, not settled; settle again, and repeat the call.
 * Common errors: ROTA_ERR_STATE: not open, not settled, or all keys are gone. ROTA_ERR_IO and what the root of trust says.
 */
#ifndef ROTA_STORE_KEYSLOTS_H
#define ROTA_STORE_KEYSLOTS_H

#include "rota/crypto/record.h"
#include "rota/port/random.h"
#include "rota/store/journal.h"
#include "rota/store/keyarchive.h"
#include "rota/store/keystate.h"

/* The state counter rises. begin: commit the device journal with c + 1, which is *binding. end: the boot journal with it,
 * then the counter. What fails between is finished as SPEC 9.6 says. */
struct rota_key_rise {
	void *ctx;
	enum rota_err (*begin)(void *ctx, uint32_t *binding);
	enum rota_err (*end)(void *ctx);
};

enum rota_keyslots_phase {
	ROTA_KEYSLOTS_CLOSED,
	ROTA_KEYSLOTS_BLANK, /* nothing that can be read: rota_keyslots_factory() */
	ROTA_KEYSLOTS_LOADED, /* keys can be read */
	ROTA_KEYSLOTS_SETTLED, /* and changed */
};

struct rota_keyslots {
	/* The caller's, in use as long. */
	const struct rota_rot *rot;
	const struct rota_crypto *crypto;
	const struct rota_key_rise *rise; /* NULL: nothing counts in hardware */
	const uint8_t *device; /* its id, 32 bytes */
	struct rota_buf scratch; /* ROTA_KEYSTATE_LEN_MAX bytes; no secret is ever in them */

	struct rota_journal keys, archive;
	struct rota_keystate state;
	uint8_t phase; /* enum rota_keyslots_phase */
	bool archive_lost; /* something is there, and cannot be read */
	bool busy; /* the caller's, where it is closed as somebody else has the journals: a rise waits for them (SPEC 9.6) */
	uint8_t archived_count;
	struct rota_key_archived
		archived[ROTA_KEY_ARCHIVE_MAX]; /* ascending by (purpose, generation) */
	uint64_t spent
		[ROTA_PURPOSES_MAX]; /* seals of the active keys, as far as known: at most state.of[].used */
};

/* The agree key that the server is told of (SPEC 35.1). */
struct rota_agree_next {
	uint32_t counter;
	uint8_t point[ROTA_P256_KEY_LEN];
};

/* ---- opening ---- */

/* Read both journals; their sectors hold a payload of ROTA_JOURNAL_PAYLOAD_MAX. Changes nothing.
 * ROTA_ERR_NOT_FOUND: blank. ROTA_ERR_CORRUPT: the key journal is there and cannot be read. ROTA_ERR_ARGUMENT: sectors too
 * short. ROTA_ERR_UNSUPPORTED: written by a later release. */
ROTA_MUST_USE enum rota_err rota_keyslots_open(
	struct rota_keyslots *k, const struct rota_flash *keys, const struct rota_flash *archive);

/* Finish what a cut left. Not while the device is restored (SPEC 9.6).
 * ROTA_ERR_CORRUPT: the root of trust has not what the journals name, or it opens not all of it: they are older than
 * it, or died; nothing was changed, what opens can be read, and rota_keyslots_renew() is next. */
ROTA_MUST_USE enum rota_err rota_keyslots_settle(struct rota_keyslots *k);

/* Where K was found blank or unreadable, or all keys are gone: a new wrap key and agree key, and journals that say so. What
 * the root of trust had of either is destroyed. binding: what the state counter shows; 0 without one.
 * ROTA_ERR_STATE: it has keys. */
ROTA_MUST_USE enum rota_err rota_keyslots_factory(
	struct rota_keyslots *k, uint32_t binding, uint8_t agree_point[static ROTA_P256_KEY_LEN]);

/* The factory secret (SPEC 28.7): kept under the seed, which is made if there is none. It replaces one of before. */
ROTA_MUST_USE enum rota_err rota_keyslots_factory_secret(
	struct rota_keyslots *k, const uint8_t secret[static ROTA_SECRET_LEN]);
/* The psk that follows from it. ROTA_ERR_NOT_FOUND: this device has none. The caller wipes. */
ROTA_MUST_USE enum rota_err rota_keyslots_factory_psk(
	const struct rota_keyslots *k, uint8_t psk[static ROTA_SECRET_LEN]);

/* K carries this number of the state counter from now on (SPEC 9.6); nothing to do where it does. */
ROTA_MUST_USE enum rota_err rota_keyslots_bind(struct rota_keyslots *k, uint32_t to);

/* A verified list of campaigns was seen: role ROTA_KEYS_LINK or ROTA_KEYS_STORE. ROTA_ERR_VERSION: its sequence fell, or is
 * that of another list. */
ROTA_MUST_USE enum rota_err rota_keyslots_saw(
	struct rota_keyslots *k, unsigned role, const struct rota_keys_seen *seen);

/* The role's keys were so replaced that its floor fell: what was seen of it does not count any more (SPEC 8.9). */
ROTA_MUST_USE enum rota_err rota_keyslots_unsee(struct rota_keyslots *k, unsigned role);

/* ---- SPEC 34, in the order of a rotation ---- */

/* A bundle has opened. Of `offer` count purpose, cipher, generation, activation_s, until_s and campaign. agree_used: the
 * place of the agree key that it was sealed to. A staged key of a lower generation is overtaken; of a generation that is
 * held already: nothing to do. ROTA_ERR_VERSION: at or below the highest ever taken. */
ROTA_MUST_USE enum rota_err rota_keyslots_stage(struct rota_keyslots *k,
	const struct rota_key_slot *offer, uint8_t agree_used,
	const uint8_t secret[static ROTA_SECRET_LEN]);

/* What goes into the statement that proves a staged key: the same each time until a bundle to it has opened.
 * ROTA_ERR_NOT_FOUND: that generation is not staged. */
ROTA_MUST_USE enum rota_err rota_keyslots_prove(struct rota_keyslots *k, uint8_t purpose,
	uint32_t generation, struct rota_agree_next *next);

/* The server has acknowledged it, or refused the proof: that key is dropped, the old one goes on.
 * ROTA_ERR_NOT_FOUND: that generation is not there. ROTA_ERR_STATE: no statement of it went out. */
ROTA_MUST_USE enum rota_err rota_keyslots_acknowledged(
	struct rota_keyslots *k, uint8_t purpose, uint32_t generation);
ROTA_MUST_USE enum rota_err rota_keyslots_disproved(
	struct rota_keyslots *k, uint8_t purpose, uint32_t generation);

/* A campaign was withdrawn: its staged key is dropped, an active one stays. One that was proved goes to the archive, for its
 * psk (SPEC 31.5), as long as there is room. */
ROTA_MUST_USE enum rota_err rota_keyslots_drop(
	struct rota_keyslots *k, const uint8_t campaign[static ROTA_SHA256_LEN]);

/* That generation and all below it are retired; destroyed by ticks (SPEC 34.6). Lower than before: nothing to do. */
ROTA_MUST_USE enum rota_err rota_keyslots_retire(
	struct rota_keyslots *k, uint8_t purpose, uint32_t generation);

/* Destroy what may go, switch to what is due. needs: the least generation that something sealed still wants of a purpose,
 * 0: none; NULL: of no purpose. ROTA_ERR_FULL: a switch waits since the archive is full; the others were made. */
ROTA_MUST_USE enum rota_err rota_keyslots_tick(struct rota_keyslots *k, uint64_t now_s,
	uint32_t (*needs)(void *ctx, uint8_t purpose), void *ctx);

/* Journals that are older than the root of trust, or died (SPEC 34.4): what does not open is dropped, *dropped of them,
 * and a fresh agree key is made for a statement of kind 3. row_counter: of the key that the server has; who does not know
 * gives k->state.counter, is told by the server, and calls again. Not settled before, settled after. */
ROTA_MUST_USE enum rota_err rota_keyslots_renew(struct rota_keyslots *k, uint32_t row_counter,
	struct rota_agree_next *next, uint8_t *dropped);

/* What a statement of kind 3 says, while ROTA_KEYS_ANEW of k->state.flags says that one is due: after
 * rota_keyslots_factory() the first agree key, after rota_keyslots_renew() the next one. */
ROTA_MUST_USE enum rota_err rota_keyslots_announce(
	const struct rota_keyslots *k, struct rota_agree_next *next);
/* The server has taken it. */
ROTA_MUST_USE enum rota_err rota_keyslots_announced(struct rota_keyslots *k);

/* Transfer, decommission: all data keys, agree keys, LDevID keys and the factory secret are destroyed; the identity
 * stays. May be repeated. */
ROTA_MUST_USE enum rota_err rota_keyslots_forget(struct rota_keyslots *k);

/* ---- use ---- */

/* The key of a use; out.len as rota_datakey_derive() says. generation 0: the active one. `seals`: to make something with it.
 * The caller wipes. ROTA_ERR_NOT_FOUND: no such generation, or its wrap key is gone. ROTA_ERR_SIGNATURE: it does not open.
 * ROTA_ERR_DENIED: that one is for reading, or not for this use. */
ROTA_MUST_USE enum rota_err rota_keyslots_key(const struct rota_keyslots *k, uint8_t purpose,
	uint32_t generation, enum rota_key_use use, bool seals, struct rota_buf out);

/* Generations of a purpose; 0: none. */
struct rota_key_held {
	uint32_t active, staged;
	uint32_t proved; /* newest */
	uint32_t oldest; /* slots and archive */
};
void rota_keyslots_held(const struct rota_keyslots *k, uint8_t purpose, struct rota_key_held *out);

/* An opening of the vault (SPEC 36.3): its number is committed, then *o may be used. Works on what is not settled too.
 * ROTA_ERR_UNSUPPORTED: there is no source of random bytes, and so no record. ROTA_ERR_FULL: no number is left. */
ROTA_MUST_USE enum rota_err rota_keyslots_opening(struct rota_keyslots *k,
	const struct rota_random *random, uint32_t uptime_s, struct rota_record_opening *o);

/* Before so many seals are made with the active key of a purpose (SPEC 31.7). *renew: a new key is to be asked for, and the next
 * statement of kind 2 does. Works on what is not settled too, as rota_keyslots_opening().
 * ROTA_ERR_FULL: it has made all it may. ROTA_ERR_NOT_FOUND: none is active. */
ROTA_MUST_USE enum rota_err rota_keyslots_used(
	struct rota_keyslots *k, uint8_t purpose, uint32_t seals, bool *renew);

/* The number of the next statement of kind 2, or 4. of: what it says; the same as the last, which was not taken: the number
 * of that one again, and no write. NULL: another number in any case. */
ROTA_MUST_USE enum rota_err rota_keyslots_statement(
	struct rota_keyslots *k, const struct rota_key_report *of, uint32_t *number);
/* The server has taken the one that `of` was of. */
ROTA_MUST_USE enum rota_err rota_keyslots_stated(struct rota_keyslots *k);
/* The server has this number already: the next one is above it. */
ROTA_MUST_USE enum rota_err rota_keyslots_outnumbered(struct rota_keyslots *k, uint32_t number);

#endif
