/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/slots.h -- the tokens with the keys of a series (SPEC 23): made, opened, destroyed.
 *
 * [series] of rota.ini names them. The keys of root N are called snapshot-N and timestamp-N. Where it names a keeper, each slot has a
 * token of its own, called series-N, with the module and the environment of the one that is named.
 */
#ifndef APPS_ROTA_SLOTS_H
#define APPS_ROTA_SLOTS_H

#include "apps/rota/session.h"
#include "host/keys/keys.h"
#include "host/repo/ahead.h"
#include "host/series/series.h"

/* What opens them for signing; `dir` stays in use. */
struct rota_slot_opener slots_opener(const struct rota_authdir *dir);

/* The pair of a root; one that a run left that was cut off goes. `keeper`: a connection (host/series/link.h), then the pair of a
 * slot gets a token of its own, whose PINs go there; -1: it does not. */
ROTA_MUST_USE enum rota_err slots_make(const struct rota_authdir *dir, int keeper,
	const struct rota_timeslot *slot, bool landing, struct rota_series_pair *out,
	struct rota_fail *why);

/* What is to be with the keeper and is not yet goes there; then what is due comes from there. What the keeper refuses, or that it is
 * silent, is said on standard error: publishing goes on with the keys that are here. */
ROTA_MUST_USE enum rota_err slots_tend(struct session *s);

/* Said on standard error: what somebody must see to before a slot comes (SPEC 23.4, 23.8). */
void slots_warn(struct session *s);

/* Destroy the keys of all published roots whose slots are over, and forget those roots, and an ordinary root when no
 * slot is left before it. *count: slots. */
ROTA_MUST_USE enum rota_err slots_retire(struct session *s, unsigned *count);

/* The token of a slot, and room for its names. */
struct slots_token {
	struct rota_pkcs11_token token;
	char label[ROTA_AHEAD_NAME_MAX], pin_file[ROTA_AHEAD_NAME_MAX];
};
/* `kept`: its own; do not move it. */
void slots_token(const struct rota_authdir *dir, uint64_t version, bool landing, bool kept,
	struct slots_token *out);

/* A line of DIR/keys for each half of the pairs that these roots name. */
ROTA_MUST_USE enum rota_err slots_note(
	struct session *s, const json_t *roots, enum rota_key_happening what);

#endif
