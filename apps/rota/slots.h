/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/slots.h -- the tokens with the keys of a series (SPEC 23): made, opened, destroyed.
 *
 * [series] of rota.ini names them. The keys of root N are called snapshot-N and timestamp-N.
 */
#ifndef APPS_ROTA_SLOTS_H
#define APPS_ROTA_SLOTS_H

#include "apps/rota/session.h"
#include "host/series/series.h"

/* What opens them for signing; `dir` stays in use. */
struct rota_slot_opener slots_opener(const struct rota_authdir *dir);

/* The pair of a root; one that a run left that was cut off goes. */
ROTA_MUST_USE enum rota_err slots_make(const struct rota_authdir *dir, uint64_t version,
	bool landing, struct rota_series_pair *out, struct rota_fail *why);

/* Destroy the keys of all published roots whose slots are over, and forget those roots, and an ordinary root when no
 * slot is left before it. *count: slots. */
ROTA_MUST_USE enum rota_err slots_retire(struct session *s, unsigned *count);

#endif
