/* SPDX-License-Identifier: Apache-2.0 */
/* boot/check.h -- whether this device may run that image (SPEC 6.5). A pure function.
 */
#ifndef BOOT_CHECK_H
#define BOOT_CHECK_H

#include "boot/keys.h"
#include "rota/codec/image.h"

/* Clause of SPEC 6 that a refusal here names. */
#define ROTA_BOOT_CHECK_CLAUSE 5

/* What the device holds images against. What is left zero asks for nothing and adds nothing. */
struct rota_boot_policy {
	const struct rota_crypto *crypto;
	const struct rota_rom *rom;
	uint32_t
		counter; /* security counter in force (boot/burn.h); the ROM's initial one holds too */
	uint8_t key_floor; /* first ROM key that counts, of rota_boot_key_floor() */
	uint8_t added_count; /* image keys that the recovery order in force adds */
	const struct rota_rom_key *added;
	const uint8_t
		*order; /* digest of that order's image, which needs no signature; NULL: none */
	const uint8_t *before; /* likewise, of the order before it (boot/order.h) */
};

/* `info` is of an image that rota_image_finish() accepted. On ROTA_OK *keys says which keys vouch for it:
 * bits of boot/keys.h, each of a signature that was verified here.
 *
 * ROTA_ERR_PRODUCT    made for another product
 * ROTA_ERR_HARDWARE   none of its hardware ids is this device's
 * ROTA_ERR_COUNTER    its counter is below the device's
 * ROTA_ERR_DENIED     no pair names a key that counts
 * ROTA_ERR_SIGNATURE  a pair names such a key, and its signature does not verify
 * One pair that verifies is enough; the other may be of a key that this device does not have. */
ROTA_MUST_USE enum rota_err rota_boot_image_check(
	const struct rota_image_info *info, const struct rota_boot_policy *policy, uint8_t *keys);

#endif
