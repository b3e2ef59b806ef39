/* SPDX-License-Identifier: Apache-2.0 */
/* host/series/keeper.h -- who keeps what a series needs later: roots and PINs, sealed until their hour (SPEC 23.3, 23.4, 23.9).
 *
 *     DIR/N.root, DIR/N.pin      of slot N (sealed.h)
 *     DIR/N.open                 something of slot N was given: durable before it was
 *     DIR/opened                 when the last one was opened, by the keeper's clock: durable before anything is given
 *
 * A keeper is another user, or another machine, than those who sign: whoever takes their machine over has the keys of the slot
 * that is under way and of the next one within an hour of it, and no others. It gives a slot when its hour has come by the
 * keeper's own clock, and only forwards.
 *
 * *Whom it gives to.* Where a signing daemon has the slots, who publishes gets the root, once, and the daemon the PINs, as often as
 * it starts, from that hour until an hour after the slot. Then it gets them to empty the token with, until that is empty, and
 * they are forgotten. Where there is no daemon, who publishes gets both, once.
 *
 *     here               root     PINs to sign   PINs to empty   PINs to undo
 *     nothing            -        -              -               -
 *     PINs               -        refused        refused         given, forgotten
 *     PINs, root         from its hour on                refused refused
 *     PINs, open         -        its time       given           refused
 *
 * In an emergency officers may have all roots at once, never a PIN: with the answer all PINs of those slots are gone, and their
 * keys with them.
 */
#ifndef HOST_SERIES_KEEPER_H
#define HOST_SERIES_KEEPER_H

#include "host/base/file.h"
#include "host/series/sealed.h"
#include "host/series/timeline.h"

/* Before its slot begins (SPEC 23.6). */
#define ROTA_KEEPER_EARLY_S 3600

struct rota_keeper {
	const char *dir;
	const char *scope; /* product */
	const struct rota_sealer *sealer;
};

/* Seal and keep it, durably. */
ROTA_MUST_USE enum rota_err rota_keeper_put(const struct rota_keeper *k, enum rota_sealed_kind kind,
	const struct rota_timeslot *slot, struct rota_span plain, struct rota_fail *why);

/* Root and PINs of a slot, for who publishes without a daemon. ROTA_ERR_TIME: not within an hour of its begin yet, or the clock went
 * back since the last opening. ROTA_ERR_NOT_FOUND: it was taken, or never put here. ROTA_ERR_CORRUPT. */
ROTA_MUST_USE enum rota_err rota_keeper_open(const struct rota_keeper *k, uint64_t version,
	uint64_t now, struct rota_bytes *root, struct rota_bytes *pin, struct rota_fail *why);

/* The root alone; errors as above. */
ROTA_MUST_USE enum rota_err rota_keeper_root(const struct rota_keeper *k, uint64_t version,
	uint64_t now, struct rota_bytes *root, struct rota_fail *why);
/* It arrived: forget it. */
ROTA_MUST_USE enum rota_err rota_keeper_root_taken(
	const struct rota_keeper *k, uint64_t version, struct rota_fail *why);

/* The PINs, for the daemon. ROTA_ERR_STATE: no root of that slot was ever here. ROTA_ERR_EXPIRED: to sign, an hour after the slot; and
 * errors as above. rota_bytes_wipe() what it was. */
enum rota_keeper_purpose { ROTA_KEEPER_TO_SIGN, ROTA_KEEPER_TO_EMPTY };
ROTA_MUST_USE enum rota_err rota_keeper_pin(const struct rota_keeper *k, uint64_t version,
	enum rota_keeper_purpose purpose, uint64_t now, struct rota_bytes *pin,
	struct rota_fail *why);

/* ROTA_ERR_NOT_FOUND: no PINs of that slot are here, and its keys sign no more. */
ROTA_MUST_USE enum rota_err rota_keeper_look(
	const struct rota_keeper *k, uint64_t version, struct rota_fail *why);

/* The PIN of a slot that has no root here: nobody signed with that pair, and its token is to be used again. ROTA_ERR_STATE: there is
 * a root, or was. ROTA_ERR_NOT_FOUND: no PIN. */
ROTA_MUST_USE enum rota_err rota_keeper_undo(const struct rota_keeper *k, uint64_t version,
	struct rota_bytes *pin, struct rota_fail *why);

/* What was given arrived, or the token is empty: forget all of the slot. */
ROTA_MUST_USE enum rota_err rota_keeper_taken(
	const struct rota_keeper *k, uint64_t version, struct rota_fail *why);

/* All roots of these versions that are here; first their PINs are removed for good. Whether it may be is the caller's to see. */
ROTA_MUST_USE enum rota_err rota_keeper_emergency(const struct rota_keeper *k, uint64_t first,
	uint64_t last,
	enum rota_err (*each)(
		void *ctx, uint64_t version, struct rota_span root, struct rota_fail *why),
	void *ctx, struct rota_fail *why);

#endif
