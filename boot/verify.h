/* SPDX-License-Identifier: Apache-2.0 */
/* boot/verify.h -- read an image from where it lies, once, and decide whether it may run.
 *
 * The payload goes to a sink as it is hashed, so that what runs later is what was hashed here and not
 * what a second read would give. Where code runs in place the sink is left out.
 */
#ifndef BOOT_VERIFY_H
#define BOOT_VERIFY_H

#include "boot/check.h"
#include "rota/port/flash.h"

/* Where an image lies. */
struct rota_boot_source {
	void *ctx;
	/* All of `to` from `off` of the slot. ROTA_ERR_LENGTH: the slot ends before. */
	enum rota_err (*read)(void *ctx, uint64_t off, struct rota_buf to);
	/* Payload bytes in order, the very ones that were hashed; NULL: not wanted. Called before the
	 * verdict: what it got is worth nothing unless rota_boot_verify() returns ROTA_OK. */
	enum rota_err (*sink)(void *ctx, struct rota_span payload);
};

/* The source that reads a flash region, which must outlive it; no sink. */
struct rota_boot_source rota_boot_source_flash(const struct rota_flash *flash);

/* Read, parse and check the image at `from`. `room` is for one piece at a time: any length from 1; the
 * larger the faster. On ROTA_OK out->info is the image and *keys the bits of boot/keys.h that vouch for it; on a refusal out->clause is n of SPEC 6.n, 0 when
 * reading or the sink failed, whose error is then returned. */
ROTA_MUST_USE enum rota_err rota_boot_verify(const struct rota_boot_source *from,
	const struct rota_boot_policy *policy, struct rota_buf room, struct rota_image *out,
	uint8_t *keys);

#endif
