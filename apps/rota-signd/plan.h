/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/plan.h -- which token's keys are held, and who among the daemon's processes reaches whom.
 *
 * Of each scope's online tokens those keys are held that a rule lets somebody ask for: none that it could sign with
 * unjudged. The log's own key has a holder of its own, which only the log writer reaches. Of a series with a keeper the tokens of
 * the slots whose turn it is are held (turn.h).
 */
#ifndef APPS_ROTA_SIGND_PLAN_H
#define APPS_ROTA_SIGND_PLAN_H

#include "host/keys/guard.h"
#include "host/notary/policy.h"
#include "host/series/timeline.h"
#include "ports/pkcs11/pool.h"
#include "rota/codec/leaf.h"

/* Online tokens of all scopes. */
#define HOLDERS_MAX 64
/* "timestamp-" and a version. */
#define PLAN_LABEL_MAX 40

struct holder {
	const struct rota_authdir *scope;
	const struct rota_token *token;
	struct rota_pkcs11_token port;
	struct rota_pool_key keys[ROTA_POOL_KEYS_MAX];
	uint8_t id[ROTA_POOL_KEYS_MAX][ROTA_DIGEST_LEN]; /* key ids, once it is open */
	size_t key_count;
	int order[2], answer[2]; /* [0] the holder's, [1] of who orders, of who is answered */
	pid_t pid;
	struct rota_timeslot
		slot; /* of a series; version 0: an ordinary token. Its keys: snapshot, timestamp */
	char label[3][PLAN_LABEL_MAX]; /* a slot's keys and token */
	bool known; /* to the parser, as one that is up */
};

/* A scope whose slots a keeper has, as it was when the plan was made (turn.h). */
struct turn {
	const struct rota_authdir *scope;
	uint64_t seen[2]; /* versions of roots whose turn it was */
	size_t seen_count;
	bool plain; /* one of them is an ordinary root, whose keys rota.ini names */
	uint64_t until_s; /* when it is another's */
	uint64_t shut; /* a slot that cannot be held; 0: none */
	struct rota_fail trouble; /* why; or why DIR/series cannot be read */
	uint64_t *over; /* slots whose tokens are to be emptied; owned */
	size_t over_count;
};

struct plan {
	struct rota_policy *policy;
	struct holder holders[HOLDERS_MAX];
	size_t holder_count;
	struct turn *turns;
	size_t turn_count;
	struct plan_guard {
		struct rota_key_guard keys;
		uint64_t at_ms; /* when folders were looked at */
	} * guards; /* beside each scope; of the process that judges */
	struct plan_office *offices; /* beside each scope (offices.h) */
	uint64_t now_ms; /* of plan_turn() */
	struct holder log; /* answers go back the way that orders come */
	struct plan_registrar {
		bool wanted; /* a rule lets somebody ask for rows */
		int order[2], answer[2]; /* as a holder's */
		pid_t pid;
	} registrar;
	int entries[2]; /* [0] the log writer's, [1] the parser's */
	int listener; /* the parser's; 0: not open yet */
	int remote_listener; /* the parser's, for nginx alone (remote.h); -1: none */
	struct rota_user nginx;
	struct rota_user user[3]; /* of parser, log writer, holders */
	bool drops; /* whether the daemon's processes become these users */
};

/* What the policy asks for; nothing is opened. ROTA_ERR_LIMIT: more tokens or keys than fit. ROTA_ERR_FORMAT: `users`, or the log's key
 * is somebody else's too. */
ROTA_MUST_USE enum rota_err plan_make(
	struct plan *p, struct rota_policy *policy, struct rota_fail *why);

/* A place for one more, of this scope's series, of which only what turn.h fills is missing. NULL: there are HOLDERS_MAX. */
struct holder *plan_add(struct plan *p, const struct rota_authdir *scope);

/* The same as plan_make() and turn_look() from a file of settings, for plan_free(). Errors also as rota_policy_load(). */
ROTA_MUST_USE enum rota_err plan_load(const char *config, struct plan **out, struct rota_fail *why);
void plan_free(struct plan *p);

/* Sockets between the processes that there will be. */
ROTA_MUST_USE enum rota_err plan_connect(struct plan *p, struct rota_fail *why);

/* Who holds the key of a seat; false: nobody here. */
ROTA_MUST_USE bool plan_find(
	const struct plan *p, const struct rota_seat *seat, size_t *holder, size_t *key);

/* A turn of the parser's wait begins, at this time of a clock that does not jump. */
void plan_turn(struct plan *p, uint64_t now_ms);

/* Whether the scope's keys let this one sign still (SPEC 25.7), as DIR/keys is, and what is published was PLAN_LOOK_MS before this
 * turn. ROTA_ERR_STATE: its life is over. Other errors: they cannot be looked at. */
#define PLAN_LOOK_MS 100
ROTA_MUST_USE enum rota_err plan_may_sign(struct plan *p, const char *scope,
	const struct rota_seat *seat, const uint8_t point[static ROTA_P256_KEY_LEN],
	struct rota_fail *why);

/* Whether the leaf's scope is one of the settings, byte by byte. */
ROTA_MUST_USE bool plan_is_scope(const struct plan *p, const struct rota_leaf *leaf);

/* Whether a key is one of those that sign for the leaf's role and scope now: a slot's no longer than its overlap (SPEC 23.6). */
ROTA_MUST_USE bool plan_is_seat(
	const struct plan *p, const struct rota_leaf *leaf, size_t holder, size_t key);

/* The registrar is the same user as the tokens' holders. */
enum plan_process { PLAN_PARSER, PLAN_LOGGER, PLAN_HOLDER, PLAN_REGISTRAR };

/* The user that this process becomes; NULL: it stays who it is. */
const struct rota_user *plan_user(const struct plan *p, enum plan_process process);

/* In a child: close what is not its own. */
void plan_keep(struct plan *p, enum plan_process process);

#endif
