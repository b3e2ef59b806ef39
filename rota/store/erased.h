/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/erased.h -- whether a place of flash may be programmed. */
#ifndef ROTA_STORE_ERASED_H
#define ROTA_STORE_ERASED_H

#include "rota/port/flash.h"

/* *yes: all bytes of [off, off + len) read erased. false with any error, which is the flash's; so ROTA_ERR_CORRUPT
 * is for who asks: a torn unit under ECC is not erased. */
ROTA_MUST_USE enum rota_err rota_flash_is_erased(
	const struct rota_flash *flash, uint32_t off, uint32_t len, bool *yes);

#endif
