/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_part/judge.h -- what to make of a boot that a loader of others did (SPEC 17.1).
 *
 * Three things are known: the boot state in our journal, which is always changed first; what the selector
 * says, which the loader changes too; and which place the running kernel was started from. They differ after a
 * cut, after a trial, and when somebody changed the selector by hand. One table brings the boot state up to what
 * happened; what the selector should say follows from the boot state alone, and is written again where it
 * says otherwise.
 *
 * All components of the boot state run from the same place, since the loader knows one word for all.
 */
#ifndef PORTS_SLOTS_PART_JUDGE_H
#define PORTS_SLOTS_PART_JUDGE_H

#include "ports/slots_part/selector.h"
#include "rota/port/slots.h"
#include "rota/store/bootstate.h"

struct rota_boot_facts {
	uint8_t running; /* place that runs, 0 or 1 */
	bool given_up; /* what runs was a trial that was given up since this boot */
	bool readable; /* the selector could be read, and says: */
	struct rota_selection selected;
};

/* Bring `state` up to what happened, and say how the running images came to run. The state may have changed
 * afterwards. */
enum rota_boot_kind rota_boot_judge(
	struct rota_bootstate *state, const struct rota_boot_facts *facts);

/* Bits of the components of a set of `count` that lie in `place`, when all lie there. */
uint8_t rota_place_bits(uint8_t count, uint8_t place);

/* What the selector is to say. */
struct rota_selection rota_boot_selection(const struct rota_bootstate *state);

#endif
