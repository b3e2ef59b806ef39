/* SPDX-License-Identifier: Apache-2.0 */
/* rota/port/slots.h -- where a component's images live, and which one runs next.
 *
 * A component has two places for an image. One is booted; the other, the inactive one, may be written.
 * An image that was written is put on trial: the next boot runs it once. If it is confirmed it becomes
 * the one that every boot runs; if it is not, the boot after that is back on the old one. What does the
 * switching (rota-boot, a bootloader behind a script) is the backend's business.
 *
 *     inactive -> write ... -> finish -> trial -> (reboot) -> booted -> confirm
 *                                                                 `--> revert -> (reboot)
 *
 * A power cut between any two calls leaves the booted image bootable. Calls may be repeated.
 */
#ifndef ROTA_PORT_SLOTS_H
#define ROTA_PORT_SLOTS_H

#include "rota/base/err.h"
#include "rota/base/span.h"
#include "rota/port/crypto.h"

#define ROTA_SLOT_NONE 0xFF

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
};

struct rota_slots {
	void *ctx;

	/* The slot that may be written now. While an image on trial runs, given up or not, there is none: the
	 * other slot holds what the next boot needs. ROTA_ERR_BUSY then, from write and trial too. */
	enum rota_err (*inactive)(void *ctx, struct rota_slot *out);

	/* Put `data` at `off` of the inactive slot. off is 0, or the end of the last write; the first
	 * write since power-on may go on from what a finish made durable before. off 0 discards what the slot held, and a trial that was asked for.
	 * ROTA_ERR_FULL: does not fit. */
	enum rota_err (*write)(void *ctx, uint64_t off, struct rota_span data);

	/* All that was written, `len` bytes, is durable. Where the backend can read back, a write may go on from
	 * there; else the image is complete. */
	enum rota_err (*finish)(void *ctx, uint64_t len);

	/* Read back `to.len` bytes at `off` of the inactive slot, to resume a write after power loss.
	 * NULL where the backend cannot: such a write starts again at 0. */
	enum rota_err (*read)(void *ctx, uint64_t off, struct rota_buf to);

	/* Run the inactive slot at the next boot, once. `digest` is the image digest that was verified while
	 * writing, or the file's SHA-256 where it is no image of SPEC 6; the boot stage verifies again. */
	enum rota_err (*trial)(void *ctx, const uint8_t digest[static ROTA_SHA256_LEN]);

	enum rota_err (*booted)(void *ctx, struct rota_booted *out);

	/* Keep the image on trial. ROTA_OK too when it is confirmed already. */
	enum rota_err (*confirm)(void *ctx);

	/* Give up the image on trial, or a trial that was asked for: the next boot runs the confirmed one. */
	enum rota_err (*revert)(void *ctx);
};

#endif
