/* SPDX-License-Identifier: Apache-2.0 */
/* host/series/hands.h -- a notary whose keys of snapshot and timestamp change with the time (SPEC 23.6).
 *
 * It stands before another one, and sends everything on but the files of these two roles: those are signed with the keys of
 * the slots whose turn it is, one signature each. Where a turn is that of an ordinary root, the other notary signs,
 * since those keys are the ones of rota.ini. What a slot's token signed must verify with the key that its root names.
 *
 * Where the other notary has a log, it has an entry before a slot signs, and is asked to sign each file too, so that it is judged. It
 * may hold slots itself (SPEC 23.4), and then its signatures with their keys are these; one that no root names is left out.
 */
#ifndef HOST_SERIES_HANDS_H
#define HOST_SERIES_HANDS_H

#include "host/series/timeline.h"
#include "host/sign/notary.h"

/* Who opens the token with the keys of root N, called "snapshot-N" and "timestamp-N"; those of a landing root lie in another.
 * The program chooses the port. */
struct rota_slot_opener {
	void *ctx;
	enum rota_err (*open)(void *ctx, uint64_t version, bool landing, struct rota_signer *out,
		struct rota_fail *why);
};

#define ROTA_SLOT_LABEL_MAX 40

/* What the key of a role in that slot is called. */
void rota_slot_label(const char *role, uint64_t version, char out[static ROTA_SLOT_LABEL_MAX]);

struct rota_hands {
	struct rota_notary notary; /* give this to the desk */
	const struct rota_notary *rest;
	const struct rota_slot_opener *opener;
	struct rota_hand {
		const json_t *root; /* `signed` */
		uint64_t version;
		struct rota_signer signer;
		bool plain, landing, open;
	} hand[2];
	size_t count;
};

/* roots[i] is what stands at timeline->at[i]; all of it stays in use. `h` is not moved while its notary is. */
void rota_hands_init(struct rota_hands *h, const struct rota_notary *rest,
	const struct rota_slot_opener *opener, json_t *const *roots,
	const struct rota_timeline *timeline, const struct rota_due *due);
void rota_hands_close(struct rota_hands *h);

/* Whether this file of snapshot or timestamp has a signature by each key whose turn it is; the signatures
 * themselves are not verified. */
bool rota_hands_cover(const struct rota_hands *h, const char *role, const json_t *envelope);

/* Whether it is this root's turn. */
bool rota_hands_turn(const struct rota_hands *h, uint64_t version);

#endif
