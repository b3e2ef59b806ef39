/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/flasharea.h -- the area of rota/store/slots.h over two regions of flash.
 *
 * A sector is erased when the first byte of it is written, so that the image that lies there is kept as long as
 * possible, and whole program units go out as they fill; the last one is padded with erased bytes by the finish of
 * the whole image. What is in a unit that is not full yet lies in RAM and cannot be read back.
 *
 * With a chunk map (rota/store/chunkmap.h) for each place a write goes on after a power cut at the sector that it
 * was in. The map only saves work: where it fails, the write goes on without it.
 */
#ifndef ROTA_STORE_FLASHAREA_H
#define ROTA_STORE_FLASHAREA_H

#include "rota/store/chunkmap.h"
#include "rota/store/slots.h"

struct rota_flash_area {
	struct rota_slotarea port; /* its ctx is this struct: do not move it while it is in use */
	const struct rota_flash *place[2];
	const struct rota_flash *map[2]; /* NULL: an image is always begun at its first byte */
	struct rota_chunkmap chunks; /* of the image that was begun */
	bool mapped; /* and it is kept */
	bool whole; /* all of the image is programmed */
	uint32_t sector; /* the next one to be erased */
	uint32_t erased; /* bytes from the start that were erased, or lie in durable chunks */
	uint32_t end; /* of what is there, with what waits in `unit` */
	uint64_t length; /* of the image that was begun */
	uint8_t unit[ROTA_FLASH_WRITE_MAX];
};

/* Over two regions, which outlive it; the smaller one is what an image may have. */
void rota_flash_area_init(
	struct rota_flash_area *a, const struct rota_flash *first, const struct rota_flash *second);

/* Keep maps of them in these two regions, which outlive it: a header of 64 bytes and a program unit for each
 * sector of the place. */
void rota_flash_area_maps(
	struct rota_flash_area *a, const struct rota_flash *first, const struct rota_flash *second);

#endif
