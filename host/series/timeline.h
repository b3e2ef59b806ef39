/* SPDX-License-Identifier: Apache-2.0 */
/* host/series/timeline.h -- which root counts when, and whose online keys sign (SPEC 23.4 to 23.6).
 *
 * A timeline is the roots that were signed, in the order of their versions, published or not. Each has a slot: from its
 * x-rota-not-before until its x-rota-slot-end, or until a later root begins, whichever is first. That one rule does for all:
 * a landing root that the next series follows at once, and the rest of a series behind which an emergency root
 * came, have a slot without length, and their turn never comes; they are published all the same, since devices go from
 * version to version.
 *
 * Around a change both keys sign, an hour before it and an hour after, so that nobody meets a root without a
 * timestamp for it, and no device is refused whose clock is a little off. An hour after its slot a key is of no use
 * to anybody, and is destroyed.
 */
#ifndef HOST_SERIES_TIMELINE_H
#define HOST_SERIES_TIMELINE_H

#include "host/base/fail.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROTA_SERIES_MAX 400 /* roots of a series: 99 days of 6 hours, and the landing root */
#define ROTA_TIMELINE_MAX                                                                          \
	(2 * ROTA_SERIES_MAX + 2) /* a series, the next one, what was before, an emergency */
#define ROTA_OVERLAP_S 3600 /* to each side of a change; a device gives as much (SPEC 4.5, 4.6) */
#define ROTA_SLOT_OPEN UINT64_MAX /* end_s of a root that has no slot-end */

struct rota_timeslot {
	uint64_t version, from_s;
	uint64_t end_s; /* not beyond from_s: its turn never comes */
};

/* Begins as { 0 }. */
struct rota_timeline {
	struct rota_timeslot at[ROTA_TIMELINE_MAX];
	size_t count;
};

/* What is to be done at a time; indices into the timeline. */
struct rota_due {
	size_t sign[2]; /* whose keys sign timestamp and snapshot; the newer last */
	size_t signers; /* 0: nobody's turn has come, or all are over */
	uint64_t publish; /* every root up to this version is to be published; 0: none has begun */
};

/* Whether it is a landing root, which expires with its slot (SPEC 23.1). */
bool rota_root_lands(const json_t *root);

/* The next root, its `signed`. ROTA_ERR_FORMAT: no version or no times. ROTA_ERR_VERSION: not the one after the
 * last. ROTA_ERR_LIMIT: more than ROTA_TIMELINE_MAX. */
ROTA_MUST_USE enum rota_err rota_timeline_add(
	struct rota_timeline *t, const json_t *root, struct rota_fail *why);

/* The same, from numbers. */
ROTA_MUST_USE enum rota_err rota_timeline_put(
	struct rota_timeline *t, const struct rota_timeslot *slot, struct rota_fail *why);

void rota_timeline_due(const struct rota_timeline *t, uint64_t now, struct rota_due *out);

/* Whether the keys of this slot are to be destroyed: an hour after its end, and no earlier if its turn never comes,
 * since what was to come in its place may not. */
bool rota_timeline_over(const struct rota_timeline *t, size_t at, uint64_t now);

#endif
