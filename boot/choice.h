/* SPDX-License-Identifier: Apache-2.0 */
/* boot/choice.h -- which slot runs now (SPEC 10.2), as a table.
 *
 * Verifying a slot costs a pass over its image, so the choice asks for what it needs, one slot at a time:
 *
 *     while (rota_boot_choose(&state, &facts, &choice) == ROTA_BOOT_VERIFY)
 *             *choice.fact = verify(choice.slot, choice.digest) ? ROTA_BOOT_YES : ROTA_BOOT_NO;
 *
 * and ends with a slot to run and what to commit before, or with a refusal. No storage, no clock.
 */
#ifndef BOOT_CHOICE_H
#define BOOT_CHOICE_H

#include "rota/port/slots.h"
#include "rota/store/bootstate.h"

/* What is known of an image so far. */
enum rota_boot_known { ROTA_BOOT_UNKNOWN = 0, ROTA_BOOT_YES, ROTA_BOOT_NO };

struct rota_boot_facts {
	enum rota_boot_known trial; /* the trial slot holds the digest on trial, and verifies */
	enum rota_boot_known
		confirmed; /* the confirmed slot holds the confirmed digest, and verifies */
	enum rota_boot_known
		other; /* the slot that is not confirmed verifies, whatever image it is */
};

enum rota_boot_verdict {
	ROTA_BOOT_VERIFY, /* find out *choice.fact, and ask again */
	ROTA_BOOT_RUN,
	ROTA_BOOT_REFUSE, /* no slot holds an image that may run */
};

struct rota_boot_choice {
	uint8_t slot; /* to verify or to run */
	const uint8_t *digest; /* VERIFY: that the image must have, inside the state; NULL: any */
	enum rota_boot_known *fact; /* VERIFY: where the answer goes, inside the facts */
	enum rota_boot_kind kind; /* RUN */
	bool commit; /* RUN: `next` differs from the state, and is to be durable first */
	struct rota_bootstate next; /* RUN */
};

/* Decide, or ask. A trial runs only after `next` (phase started) is durable: where that fails the caller
 * sets facts->trial to NO and asks again. A failing commit before any other image is no reason not to
 * run it: the next boot judges the same again. */
enum rota_boot_verdict rota_boot_choose(const struct rota_bootstate *state,
	struct rota_boot_facts *facts, struct rota_boot_choice *choice);

#endif
