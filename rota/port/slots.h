/* SPDX-License-Identifier: Apache-2.0 */
/* rota/port/slots.h -- where a component's images live, and which one runs next.
 *
 * A component has two places for an image. One is booted; the other, the inactive one, may be written.
 * An image that was written is put on trial: the next boot runs it once. If it is confirmed it becomes
 * the one that every boot runs; if it is not, the boot after that is back on the old one. What does the
 * switching (rota-boot, a bootloader behind a script) is the backend's business.
 *
 *     begin -> write ... -> finish -> trial -> (reboot) -> booted -> confirm
 *                                                              `--> revert -> (reboot)
 *
 * Components may form a *set*, which switches as one: the trials that its members were asked for start
 * together at one boot or not at all, and to confirm or revert one member is to do it to all of them.
 *
 * A power cut between any two calls leaves the booted image bootable. Calls may be repeated.
 */
#ifndef ROTA_PORT_SLOTS_H
#define ROTA_PORT_SLOTS_H

#include "rota/base/err.h"
#include "rota/base/span.h"
#include "rota/port/crypto.h"

struct rota_slot {
	uint8_t id; /* 0 or 1 */
	uint64_t
		capacity; /* bytes that an image may have; UINT64_MAX when the backend cannot tell */
};

/* How the running image came to run. */
enum rota_boot_kind {
	ROTA_BOOT_CONFIRMED, /* the image that every boot runs */
	ROTA_BOOT_TRIAL, /* an image on trial: confirm or revert it */
	ROTA_BOOT_REVERTED, /* the confirmed image, after a trial that was not confirmed */
	ROTA_BOOT_FALLBACK, /* the other image, since the confirmed one does not verify (SPEC 10.2) */
};

struct rota_booted {
	uint8_t id; /* slot that runs */
	enum rota_boot_kind kind;
	uint8_t digest
		[ROTA_SHA256_LEN]; /* of the running image; zeros when the backend cannot tell */
	bool unknown; /* a fallback to an image that the boot state does not know (SPEC 10.2): what this device
		       * remembers is not to be relied on, as after flash was restored */
};

/* What the members of a set have in common. */
struct rota_slots_set {
	void *ctx;

	/* The trials that members were asked for since the last begin, confirm or revert of any start together at
	 * the next boot: one durable step, all or none. ROTA_OK too when there are none. ROTA_ERR_BUSY,
	 * ROTA_ERR_STATE as of trial. */
	enum rota_err (*switch_all)(void *ctx);
};

struct rota_slots {
	void *ctx;

	/* The set that this component is a member of, the same pointer in each; NULL: it switches alone. */
	const struct rota_slots_set *set;

	/* The slot that may be written now. While an image on trial runs, given up or not, there is none: the
	 * other slot holds what the next boot needs. ROTA_ERR_BUSY then, from begin and trial too. */
	enum rota_err (*inactive)(void *ctx, struct rota_slot *out);

	/* Begin to write the image `digest` (as of trial) of `length` bytes to the inactive slot, or go on with it:
	 * the first *durable bytes of it are there since before, as far as the backend can tell; the caller
	 * reads them back through its verifier. Forgets a trial that was asked for, in the whole set.
	 * ROTA_ERR_FULL: does not fit. */
	enum rota_err (*begin)(void *ctx, const uint8_t digest[static ROTA_SHA256_LEN],
		uint64_t length, uint64_t *durable);

	/* Put `data` at `off` of the inactive slot: where begin said, or where the last write ended. off 0
	 * discards what was there. */
	enum rota_err (*write)(void *ctx, uint64_t off, struct rota_span data);

	/* All that was written, `len` bytes, is durable, whether it is the whole image or not yet. Where the
	 * backend can read back, it remembers that for begin. */
	enum rota_err (*finish)(void *ctx, uint64_t len);

	/* Read back `to.len` bytes at `off` of the inactive slot, to resume a write after power loss.
	 * NULL where the backend cannot: such a write starts again at 0. */
	enum rota_err (*read)(void *ctx, uint64_t off, struct rota_buf to);

	/* Run the inactive slot at the next boot, once. `digest` is the image digest that was verified while
	 * writing, or the file's SHA-256 where it is no image of SPEC 6; the boot stage verifies again. Of a
	 * member of a set it is only noted, in RAM, for switch_all. */
	enum rota_err (*trial)(void *ctx, const uint8_t digest[static ROTA_SHA256_LEN]);

	enum rota_err (*booted)(void *ctx, struct rota_booted *out);

	/* Keep the image on trial, or all of the set. ROTA_OK too when it is confirmed already. */
	enum rota_err (*confirm)(void *ctx);

	/* Give up the image on trial, or a trial that was asked for, or those of the set: the next boot runs the
	 * confirmed one. */
	enum rota_err (*revert)(void *ctx);
};

#endif
