/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/slots.h -- rota/port/slots.h for the components that rota-boot's library boots (SPEC 10.2 to 10.4).
 *
 * The rules: which place may be written, when, and what has to be durable before; a trial of the whole set in
 * one commit; only what runs is confirmed. They are the same on a microcontroller, in the simulator and on Linux.
 * What differs stands behind three interfaces: the boot state and who else is at it (bootaccess.h), what runs now,
 * and the *area* that holds a component's images (slotarea.h over flash; ports/slots_boot over files).
 *
 *     struct rota_set set;
 *     rota_set_init(&set, access, running);
 *     for each component i, in the boot state's order:
 *             rota_set_member_init(&member[i], &set, i, area[i]);     member[i].port goes to the update cycle
 *
 * A set of one is a set too. Nothing here is durable but the boot state: each call judges it anew, so boot stage
 * and agent may stop anywhere.
 */
#ifndef ROTA_STORE_SLOTS_H
#define ROTA_STORE_SLOTS_H

#include "rota/port/slots.h"
#include "rota/store/bootaccess.h"

/* What the boot stage started, handed on in RAM or in a file. */
struct rota_running {
	uint8_t count; /* components */
	uint8_t places; /* bit i: place of component i that runs */
	uint8_t trial; /* bit i: component i runs on trial; 0 unless kind is ROTA_BOOT_TRIAL */
	enum rota_boot_kind kind; /* of the set */
	bool unknown; /* as in struct rota_booted */
	uint8_t digest[ROTA_SET_MAX][ROTA_SHA256_LEN]; /* of the images */
};

/* Where that is known. ROTA_ERR_NOT_FOUND: nothing runs, as while the device is off. */
struct rota_running_source {
	void *ctx;
	enum rota_err (*get)(void *ctx, struct rota_running *out);
};

/* The two places of one component. `place` is 0 or 1, and never the one that runs where something is changed. */
struct rota_slotarea {
	void *ctx;
	enum rota_err (*capacity)(void *ctx, uint8_t place, uint64_t *out);
	/* Begin or go on, as in rota/port/slots.h. Where *durable is 0 the place holds nothing. */
	enum rota_err (*begin)(void *ctx, uint8_t place,
		const uint8_t digest[static ROTA_SHA256_LEN], uint64_t length, uint64_t *durable);
	/* Nothing of the place counts; the next write is at 0. */
	enum rota_err (*discard)(void *ctx, uint8_t place);
	/* Behind what is there, within `length` of begin. */
	enum rota_err (*write)(void *ctx, uint8_t place, uint64_t off, struct rota_span data);
	enum rota_err (*finish)(void *ctx, uint8_t place, uint64_t len);
	enum rota_err (*read)(void *ctx, uint8_t place, uint64_t off, struct rota_buf to);
};

struct rota_set {
	struct rota_slots_set port; /* its ctx is this struct: do not move it while it is in use */
	const struct rota_boot_access *boot;
	const struct rota_running_source *running;
	uint8_t asked; /* bit i: a trial of component i was asked for, not committed yet */
	uint8_t digest[ROTA_SET_MAX][ROTA_SHA256_LEN]; /* of those */
};

struct rota_set_member {
	struct rota_slots port; /* its ctx is this struct: do not move it while it is in use */
	struct rota_set *set;
	const struct rota_slotarea *area;
	uint8_t component; /* in the boot state */
	bool ready; /* begun, and no change of the boot state since */
	uint8_t place; /* that is written */
	uint64_t end; /* of what is there */
	uint64_t length; /* of the image that was begun */
};

/* All that is pointed to stays in use as long as the set. */
void rota_set_init(struct rota_set *set, const struct rota_boot_access *boot,
	const struct rota_running_source *running);
void rota_set_member_init(struct rota_set_member *member, struct rota_set *set, uint8_t component,
	const struct rota_slotarea *area);

#endif
