/* SPDX-License-Identifier: Apache-2.0 */
/* boot/choice.h -- which set of images runs now (SPEC 10.2), as a table.
 *
 * A set runs as a whole or not at all. Three are known to the boot state: the one on trial, the confirmed one, and
 * the other one (rota/store/bootstate.h), which is run when the confirmed one does not verify. Verifying an image
 * costs a pass over it, so the choice asks for what it needs, one image at a time:
 *
 *     while (rota_boot_choose(&state, &facts, &choice) == ROTA_BOOT_VERIFY)
 *             *choice.fact = verify(choice.component, choice.place, choice.digest) ? ROTA_BOOT_YES : ROTA_BOOT_NO;
 *
 * and ends with places to run and what to commit before, or with a refusal. No storage, no clock. An image that
 * was found good is not asked for again, so the caller keeps what it loaded of each component last.
 */
#ifndef BOOT_CHOICE_H
#define BOOT_CHOICE_H

#include "rota/port/slots.h"
#include "rota/store/bootstate.h"

/* What is known of an image so far. */
enum rota_boot_known { ROTA_BOOT_UNKNOWN = 0, ROTA_BOOT_YES, ROTA_BOOT_NO };

struct rota_boot_facts {
	/* By component and place: the image that the boot state names is there, and verifies. */
	enum rota_boot_known image[ROTA_SET_MAX][2];
	/* Of a set of one: its other place verifies, whatever image it is. */
	enum rota_boot_known any;
	/* That the trial starts could not be made durable. */
	bool unnoted;
};

enum rota_boot_verdict {
	ROTA_BOOT_VERIFY, /* find out *choice.fact, and ask again */
	ROTA_BOOT_RUN,
	ROTA_BOOT_REFUSE, /* no set may run: wait for a recovery order, never reset in a loop */
};

struct rota_boot_choice {
	uint8_t component, place; /* VERIFY */
	const uint8_t *digest; /* VERIFY: that the image must have, inside the state; NULL: any */
	enum rota_boot_known *fact; /* VERIFY: where the answer goes, inside the facts */
	uint8_t places; /* RUN: bit i: place of component i */
	uint8_t trial; /* RUN: bit i: component i runs on trial */
	enum rota_boot_kind kind; /* RUN */
	bool unknown; /* RUN: a fallback to an image that the boot state does not know */
	bool commit; /* RUN: `next` differs from the state, and is to be durable first */
	struct rota_bootstate next; /* RUN */
};

/* Decide, or ask. Facts begin as zeros. A trial runs only after `next` (phase started) is durable: where that
 * fails the caller sets facts->unnoted and asks again. A failing commit before any other set is no reason not to
 * run it: the next boot judges the same again. */
enum rota_boot_verdict rota_boot_choose(const struct rota_bootstate *state,
	struct rota_boot_facts *facts, struct rota_boot_choice *choice);

#endif
