/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/turn.h -- who signs snapshot and timestamp of a scope while a series is under way (SPEC 23.6).
 *
 * Where a keeper has the slots, their tokens are held here, a holder each, from an hour before a slot to an hour after it, with a PIN
 * that goes from the keeper into that holder and nowhere else. Which slots these are is read from DIR/series, which belongs to
 * who publishes: a root there counts when it is signed by those who sign the newest published root. A plan is of one moment. When it
 * is another slot's turn, the daemon makes another plan and starts its processes with it, as on SIGHUP.
 *
 *     slot                          here
 *     an hour before it             its holder begins, as soon as its root is here and the keeper gives the PIN
 *     its turn                      parser and log writer take its keys for snapshot and timestamp of its scope
 *     an hour after its end         its holder ends; its token is emptied, and the keeper forgets the PIN
 *     a root that ended it early    the same, an hour after that
 *
 * A slot without a token of its own, and a landing root, are signed for by who publishes.
 */
#ifndef APPS_ROTA_SIGND_TURN_H
#define APPS_ROTA_SIGND_TURN_H

#include "apps/rota-signd/plan.h"
#include "host/notary/ask.h"

/* Of a slot's keys, in order. */
extern const char *const turn_roles[2];

/* Add to the plan what is this moment's. What is wrong with a scope's series keeps nobody else from his work: it is that turn's trouble. */
void turn_look(struct plan *p, uint64_t now);

/* Whether the slot's keys sign now. */
bool turn_lasts(const struct rota_timeslot *slot, uint64_t now);

/* When the plan is to be made anew; UINT64_MAX: not because of the time. */
uint64_t turn_until(const struct plan *p);

/* Whether the scope's slots are others than the plan knows: a root came, or the time. */
bool turn_is_stale(const struct plan *p, const struct rota_authdir *scope, uint64_t now);

/* Whose keys sign a file of this role now. */
struct turn_hands {
	size_t holder[2]; /* of slots, the older first; each is up */
	size_t count;
	uint64_t shut; /* a slot that is not open; 0: none */
	size_t key; /* which of a slot's keys */
	bool plain; /* those of rota.ini too, or alone */
};
void turn_of(const struct plan *p, const char *scope, const char *role, uint64_t now,
	struct turn_hands *out);

/* What its token and its keys are called. */
void turn_name(struct holder *h, uint64_t version);

#endif
