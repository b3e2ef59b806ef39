/* SPDX-License-Identifier: Apache-2.0 */
/* boot/check.h -- whether this device may run that image (SPEC 6.5). A pure function.
 */
#ifndef BOOT_CHECK_H
#define BOOT_CHECK_H

#include "rota/codec/image.h"
#include "rota/codec/rom.h"

/* Clause of SPEC 6 that a refusal here names. */
#define ROTA_BOOT_CHECK_CLAUSE 5

/* `info` is of an image that rota_image_finish() accepted. `counter` is the stored security counter; the
 * ROM's initial one holds too.
 *
 * ROTA_ERR_PRODUCT    made for another product
 * ROTA_ERR_HARDWARE   none of its hardware ids is this device's
 * ROTA_ERR_COUNTER    its counter is below the device's
 * ROTA_ERR_DENIED     no pair names a key of the ROM
 * ROTA_ERR_SIGNATURE  a pair names a ROM key, and its signature does not verify
 * One pair that verifies is enough; the other may be of a key that this device does not have. */
ROTA_MUST_USE enum rota_err rota_boot_image_check(const struct rota_image_info *info,
	const struct rota_rom *rom, uint32_t counter, const struct rota_crypto *crypto);

#endif
