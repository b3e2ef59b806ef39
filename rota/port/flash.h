/* SPDX-License-Identifier: Apache-2.0 */
/* rota/port/flash.h -- one region of flash, or what stands for it.
 *
 * The region is `sector_count` sectors of `sector_len` bytes. An erased byte reads `erased`. A write
 * covers whole program units of `write_len` bytes, each of which must be erased; a power cut may leave
 * any unit of an unsynced write old, new or torn, and what it left of an erase may read otherwise each time.
 * All functions return ROTA_ERR_IO when the device fails and ROTA_ERR_ARGUMENT when the rules above are
 * broken. A read returns ROTA_ERR_CORRUPT when the device works, and cannot give the bytes of this place
 * back (ECC): so it is with a torn unit, until the sector is erased.
 */
#ifndef ROTA_PORT_FLASH_H
#define ROTA_PORT_FLASH_H

#include "rota/base/err.h"
#include "rota/base/span.h"

/* Largest program unit that the stores in rota/store pad to. */
#define ROTA_FLASH_WRITE_MAX 32

struct rota_flash {
	void *ctx;
	uint32_t sector_len; /* bytes; erase unit */
	uint32_t sector_count; /* sectors in the region */
	uint32_t write_len; /* bytes; program unit: a power of two, at most ROTA_FLASH_WRITE_MAX */
	uint8_t erased; /* 0xFF or 0x00 */
	enum rota_err (*read)(void *ctx, uint32_t off, struct rota_buf to);
	enum rota_err (*write)(void *ctx, uint32_t off, struct rota_span from);
	enum rota_err (*erase)(void *ctx, uint32_t off); /* the sector that begins at off */
	enum rota_err (*sync)(
		void *ctx); /* on return all earlier writes and erases survive power loss */
};

#endif
