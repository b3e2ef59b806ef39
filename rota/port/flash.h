/* SPDX-License-Identifier: Apache-2.0 */
/* rota/port/flash.h -- one region of flash, or what stands for it.
 *
 * The region is *runs* of sectors: within a run all are of one length, from run to run they need not be, so
 * that the unequal sectors of some chips are used wholly. Where a chip erases small pages, its port makes
 * larger sectors of them. An erased byte reads `erased`. A write covers whole program units of `write_len`
 * bytes, each of which must be erased; a power cut may leave any unit of an unsynced write old, new or torn,
 * and what it left of an erase may read otherwise each time. Where a unit is programmed `once`, one that a cut
 * touched may read erased and take no program: the write fails, and the sector is erased anew.
 *
 * All functions return ROTA_ERR_IO when the device fails and ROTA_ERR_ARGUMENT when the rules above are
 * broken. A read returns ROTA_ERR_CORRUPT when the device works, and cannot give the bytes of this place
 * back (ECC): so it is with a torn unit, until the sector is erased. Nothing of `to` counts then; other
 * places can be read.
 */
#ifndef ROTA_PORT_FLASH_H
#define ROTA_PORT_FLASH_H

#include "rota/base/err.h"
#include "rota/base/span.h"

/* Largest program unit that the stores in rota/store pad to. */
#define ROTA_FLASH_WRITE_MAX 32

/* An STM32F4 has 4 sectors of 16 KiB, one of 64, seven of 128; one run to spare. */
#define ROTA_FLASH_RUNS_MAX 4

struct rota_flash_run {
	uint32_t sector_len; /* bytes; erase unit: a multiple of the program unit */
	uint32_t count; /* sectors, one after the other */
};

struct rota_flash {
	void *ctx;
	struct rota_flash_run run[ROTA_FLASH_RUNS_MAX]; /* those that are not used are 0 */
	uint32_t write_len; /* bytes; program unit: a power of two, at most ROTA_FLASH_WRITE_MAX */
	uint8_t erased; /* 0xFF or 0x00 */
	bool once; /* a unit is programmed once, whatever its bytes (ECC); else programs add up */
	enum rota_err (*read)(void *ctx, uint32_t off, struct rota_buf to);
	enum rota_err (*write)(void *ctx, uint32_t off, struct rota_span from);
	enum rota_err (*erase)(void *ctx, uint32_t off); /* the sector that begins at off */
	enum rota_err (*sync)(
		void *ctx); /* on return all earlier writes and erases survive power loss */
};

/* `len` bytes in whole program units. */
static inline uint32_t rota_flash_padded(const struct rota_flash *flash, size_t len)
{
	return ((uint32_t)len + flash->write_len - 1) & ~(flash->write_len - 1);
}

struct rota_flash_sector {
	uint32_t at, len; /* bytes */
};

/* Bytes of all runs. A region is at most 4 GiB; who takes one from outside checks that. */
static inline uint64_t rota_flash_size(const struct rota_flash_run run[static ROTA_FLASH_RUNS_MAX])
{
	uint64_t size = 0;

	for (uint32_t r = 0; r < ROTA_FLASH_RUNS_MAX; r++)
		size += (uint64_t)run[r].sector_len * run[r].count;
	return size;
}

static inline uint32_t rota_flash_sectors(
	const struct rota_flash_run run[static ROTA_FLASH_RUNS_MAX])
{
	uint32_t count = 0;

	for (uint32_t r = 0; r < ROTA_FLASH_RUNS_MAX; r++)
		count += run[r].count;
	return count;
}

/* Sector `i` of the region; behind the last one it has no length. */
static inline struct rota_flash_sector rota_flash_sector(
	const struct rota_flash_run run[static ROTA_FLASH_RUNS_MAX], uint32_t i)
{
	struct rota_flash_sector s = { 0, 0 };

	for (uint32_t r = 0; r < ROTA_FLASH_RUNS_MAX; r++) {
		if (i < run[r].count) {
			s.at += i * run[r].sector_len;
			s.len = run[r].sector_len;
			return s;
		}
		i -= run[r].count;
		s.at += run[r].count * run[r].sector_len;
	}
	return s;
}

/* The sector that begins at `off`; without length when none does. */
static inline struct rota_flash_sector rota_flash_sector_at(
	const struct rota_flash_run run[static ROTA_FLASH_RUNS_MAX], uint32_t off)
{
	struct rota_flash_sector s = { off, 0 };
	uint32_t from = 0;

	for (uint32_t r = 0; r < ROTA_FLASH_RUNS_MAX; r++) {
		uint32_t in = off - from, len = run[r].sector_len;

		if (len > 0 && in / len < run[r].count && in % len == 0)
			s.len = len;
		from += run[r].count * len;
		if (off < from)
			break;
	}
	return s;
}

#endif
