/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/binding.h -- is what stands in the journals the newest that this device wrote? (SPEC 9.6)
 *
 * Flash can be read out, and put back a year later: all that was learnt since is forgotten, and the floors that
 * keep old releases out are low again. A counter in hardware (rota/port/counter.h) cannot be put back. So the
 * device journal (D), the boot journal (B) and the key journal (K), where there are such, each carry the number that
 * the counter (c) had when they last changed what matters, and the counter is raised last:
 *
 *     D := c + 1 with what changed, K := c + 1, B := c + 1, in any order;   then the counter := c + 1
 *
 * A cut anywhere between leaves one of few patterns, and those a thief can make are told from them. All that
 * was written before the counter rose stays good until it rises: a binding does not order what happens between two
 * rises, it ends everything before the last.
 *
 * A device may have hardware for the numbers that boot burns and none for that: it notices old flash by those
 * alone, once one of them was burnt since, and what follows is the same.
 *
 * This is the judgement, a table over what was read; who writes is rota/update/update_bound.c.
 */
#ifndef ROTA_STORE_BINDING_H
#define ROTA_STORE_BINDING_H

#include "rota/port/counter.h"
#include "rota/store/bootaccess.h"

enum rota_binding {
	ROTA_BINDING_CURRENT, /* nothing to do */
	ROTA_BINDING_CUT, /* current; a rise was cut off: what lags := c + 1, then the counter */
	ROTA_BINDING_RESTORED, /* older than the counter, or lost: what it holds are lower bounds */
	ROTA_BINDING_FOREIGN, /* the counter is another board's, or made anew: as restored */
	ROTA_BINDING_UNREADABLE, /* the counter cannot be read now: nothing may be installed */
};

/* What was read. */
struct rota_binding_facts {
	bool counts; /* the hardware has a state counter; without one nothing of the table is looked at */
	enum rota_err
		read; /* what the counter said: ROTA_OK, ROTA_ERR_CORRUPT (gone), or for later */
	uint32_t counter; /* with ROTA_OK */
	uint32_t device; /* D */
	bool device_lost; /* D was made anew, since there was none */
	bool has_boot; /* there is a boot journal; else B counts as D */
	uint32_t boot; /* B */
	bool boot_lost; /* B cannot be read, or was made anew */
	bool has_keys; /* there is a key journal, and it can be read */
	bool keys_lost; /* it cannot be read, or is blank, and the root of trust has keys that it named */
	uint32_t keys; /* K */
	bool ahead; /* hardware has burnt more than the boot journal ever asked for (rota/store/burnt.h) */
	bool stranger; /* what runs is an image that the boot state does not know (SPEC 10.2) */
	bool marked; /* D says restored, and no refresh with signed time has ended that yet */
};

/* Read the counters and the boot journal, either of which may be NULL, into the members that speak of them. What
 * cannot be read of the state counter, or of the boot journal where there is one, stands in `read`. */
void rota_binding_read(const struct rota_counter *counter, const struct rota_boot_access *boot,
	struct rota_binding_facts *f);

enum rota_binding rota_binding_judge(const struct rota_binding_facts *f);

/* Whether only recovery orders may be installed. */
static inline bool rota_binding_restored(enum rota_binding b)
{
	return b == ROTA_BINDING_RESTORED || b == ROTA_BINDING_FOREIGN;
}

/* "current", "cut", ... for a line in a log. Static storage. */
const char *rota_binding_name(enum rota_binding b);

#endif
