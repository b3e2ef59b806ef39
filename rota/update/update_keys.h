/* SPDX-License-Identifier: Apache-2.0 */
/* rota/update/update_keys.h -- what the files of rota/update/keys.h share; nobody else includes it but update_*.c, which
 * call what stands in struct rota_key_work through the pointer of the configuration.
 *
 * update_keys.c        the table of states; the lists of campaigns, and what is picked of them
 * update_keys_turn.c   one purpose: the answer, the list once more, the bundle, the proof
 * update_keys_say.c    statements: what is said and when, and what the server answered
 * update_keys_bound.c  the state counter, settling, retirements and revocations
 */
#ifndef ROTA_UPDATE_UPDATE_KEYS_H
#define ROTA_UPDATE_UPDATE_KEYS_H

#include "rota/store/binding.h"
#include "rota/update/keys.h"
#include "rota/update/update_parts.h"

/* Behind the states of every device; rota_key_work.steps begins with ROTA_UP_KEYS. */
enum rota_key_state {
	ROTA_UP_KEYS_SAY = ROTA_UP_KEYS + 1,
	ROTA_UP_KEYS_LIST,
	ROTA_UP_KEYS_FIND,
	ROTA_UP_KEYS_READ,
	ROTA_UP_KEYS_FIND_REVOKED,
	ROTA_UP_KEYS_REVOKED,
	ROTA_UP_KEYS_NEXT,
	ROTA_UP_KEYS_ANSWER,
	ROTA_UP_KEYS_ROOT,
	ROTA_UP_KEYS_TICK,
	ROTA_UP_KEYS_END,
};

struct rota_key_work {
	const struct rota_update_step *steps;

	/* A cycle begins: what is known of the key journal. */
	void (*look)(struct rota_update *u, struct rota_binding_facts *f);
	/* A rise is being finished: the key journal too. */
	enum rota_err (*bind)(struct rota_update *u, uint32_t to);
	/* The device's journals are the newest, and it has refreshed. */
	void (*settle)(struct rota_update *u);

	/* A role's floor fell. */
	void (*fell)(struct rota_update *u, struct rota_span role);
	/* Retirements are about to be read; they were. False: it is not known yet what they retire. */
	const struct rota_retired_pairs *(*pairs)(struct rota_update *u);
	bool (*retire)(struct rota_update *u);
	/* Revocations are about to be read; they were: bit i for the i-th campaign that was asked of. */
	void (*ask)(struct rota_update *u, struct rota_revocations_decoder *d);
	void (*withdraw)(struct rota_update *u, uint8_t withdrawn);

	/* The session failed in a state of the table; in another one, before it or behind. */
	enum rota_update_state (*failed)(struct rota_update *u, struct rota_why why);
	void (*late)(struct rota_update *u);
};

static inline const struct rota_update_keys *rota_key_config(const struct rota_update *u)
{
	return u->config.keys;
}

static inline struct rota_key_desk *rota_key_desk(const struct rota_update *u)
{
	return u->config.keys->desk;
}

static inline struct rota_keyslots *rota_key_slots(const struct rota_update *u)
{
	return u->config.keys->slots;
}

/* A state of the table as the others are named. */
static inline enum rota_update_state rota_key_state(unsigned state)
{
	return (enum rota_update_state)state;
}

/* ---- update_keys.c ---- */

/* The first trouble is kept for a person. */
void rota_key_trouble(struct rota_update *u, enum rota_err err, enum rota_clause clause);

/* Whether this device takes part in campaigns of a purpose; whether its list is the one at hand. */
bool rota_key_takes(const struct rota_update *u, uint8_t purpose);
bool rota_key_listed(const struct rota_update *u, uint8_t purpose);

/* Done with the list at hand. */
enum rota_update_state rota_key_next_list(struct rota_update *u);

/* Read the list at hand again, under its trusted digest, into `sink`. Its end: form, product, digest. */
void rota_key_read_list(struct rota_update *u, struct rota_keys_sink sink);
enum rota_err rota_key_list_feed(struct rota_update *u, struct rota_span piece);
struct rota_why rota_key_list_end(struct rota_update *u, enum rota_err how);

/* ---- update_keys_turn.c ---- */

enum rota_update_state rota_up_keys_next(struct rota_update *u);
void rota_up_keys_answer_ask(const struct rota_update *u, struct rota_update_want *want);
enum rota_err rota_up_keys_answer_feed(struct rota_update *u, struct rota_span piece);
enum rota_update_state rota_up_keys_answer_done(struct rota_update *u, enum rota_err how);
enum rota_update_state rota_up_keys_root_done(struct rota_update *u, enum rota_err how);

/* ---- update_keys_say.c ---- */

/* Make ready: ROTA_UP_KEYS_SAY is next. */
enum rota_err rota_key_say_proved(struct rota_update *u, const struct rota_key_slot *staged);
enum rota_err rota_key_say_anew(struct rota_update *u);
enum rota_err rota_key_say_gone(struct rota_update *u);
/* *due: there is something to report. */
enum rota_err rota_key_say_state(struct rota_update *u, bool *due);

void rota_up_keys_say_ask(const struct rota_update *u, struct rota_update_want *want);
enum rota_update_state rota_up_keys_say_done(struct rota_update *u, enum rota_err how);

/* ---- update_keys_bound.c ---- */

void rota_key_look(struct rota_update *u, struct rota_binding_facts *f);
enum rota_err rota_key_bind(struct rota_update *u, uint32_t to);
void rota_key_settle(struct rota_update *u);
void rota_key_fell(struct rota_update *u, struct rota_span role);
const struct rota_retired_pairs *rota_key_pairs(struct rota_update *u);
bool rota_key_retire(struct rota_update *u);
void rota_key_ask(struct rota_update *u, struct rota_revocations_decoder *d);
void rota_key_withdraw(struct rota_update *u, uint8_t withdrawn);

/* The journals are older than the root of trust, or the server has another number: keys anew. */
enum rota_err rota_key_renew(struct rota_update *u, uint32_t row_counter);

#endif
