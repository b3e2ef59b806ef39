/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/rootslot.h -- the slot of a pre-signed root (SPEC 4.6).
 *
 * Roots of a series are signed long before they are due. Each says from when on it counts, and until when the
 * online keys that it names may sign. Around a change of slots the keys of both sign for an hour.
 *
 * Pure. A root that does not say has no slot: all questions are answered as if it had always been due.
 */
#ifndef ROTA_TRUST_ROOTSLOT_H
#define ROTA_TRUST_ROOTSLOT_H

#include "rota/port/clock.h"

/* Seconds to each side of a slot in which its keys may sign. */
#define ROTA_SLOT_MARGIN_S 3600u

struct rota_root_slot {
	rota_num from_s; /* x-rota-not-before; 0: not said */
	rota_num end_s; /* x-rota-slot-end; 0: not said, and no slot */
};

/* Whether a trusted clock has reached the slot. Without one nobody knows: true. */
bool rota_root_slot_begun(const struct rota_root_slot *slot, const struct rota_time *now);

/* Whether a trusted clock has left the slot and its margin. Without one: false. */
bool rota_root_slot_over(const struct rota_root_slot *slot, const struct rota_time *now);

/* Whether what was issued then may be signed by the slot's keys. */
bool rota_root_slot_covers(const struct rota_root_slot *slot, rota_num issued_s);

/* `issued_s`, no later than the slot's end. */
rota_num rota_root_slot_clamp(const struct rota_root_slot *slot, rota_num issued_s);

#endif
