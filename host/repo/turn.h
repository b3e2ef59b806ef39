/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/turn.h -- the desk of a moment: who signs snapshot and timestamp now.
 *
 * While a series is under way (SPEC 23) these are the keys of the slots whose turn it is, through rota_hands; else the desk's own
 * notary. Whoever makes a file of these roles goes through this, so that no file stands with signatures of other keys.
 */
#ifndef HOST_REPO_TURN_H
#define HOST_REPO_TURN_H

#include "host/repo/ahead.h"
#include "host/repo/metadata.h"

struct rota_turn {
	struct rota_ahead ahead;
	struct rota_due due;
	struct rota_hands hands;
	struct rota_desk desk; /* signs through the hands */
};

/* For rota_turn_close(). `desk` stays in use, and *t where it is: it points into itself. No token is opened yet. */
ROTA_MUST_USE enum rota_err rota_turn_open(
	const struct rota_desk *desk, struct rota_turn *t, struct rota_fail *why);
void rota_turn_close(struct rota_turn *t);

/* Whether whoever reads under the newest root that is published is signed for now. Where it is not that root's turn, later ones
 * are published first. */
ROTA_MUST_USE enum rota_err rota_turn_reaches(
	const struct rota_turn *t, bool *reaches, struct rota_fail *why);

#endif
