/* SPDX-License-Identifier: Apache-2.0 */
/* ports/flash_sim/flash_sim.h -- a flash chip that fails as flash chips do, for tests.
 *
 * A chip is runs of sectors of equal length. The code under test sees a region of it through
 * rota/port/flash.h: a sector of the region is one whole sector of the chip, or several that are erased one
 * after the other. A chip loses its power, or fails, where its supply (supply.h) says
 * so; one supply may feed several chips, which then stop at the same moment, each where it is.
 *
 * What it models
 *   rules       A unit is programmed once (a second program is refused), or programs add up: bits go from
 *               erased to programmed and never back. Both count a broken rule in `broken`.
 *   torn unit   Each bit old or new. With ECC the unit cannot be read at all: ROTA_ERR_CORRUPT.
 *   weak unit   Reads erased, yet refuses a program (ROTA_ERR_IO) where units are programmed once.
 *   half erase  An erase takes `erase_steps` operations. Stopped between, each bit of the sector reads
 *               old or erased, drawn anew at each read, until an erase has gone through; with ECC each unit
 *               reads old, erased or not at all. An erase is one of all of its sector: no part is done first.
 *   lost cache  What was not synced may be lost unit by unit (ROTA_SIM_CUT_UNSYNCED).
 *   bit rot     rota_flash_sim_flip(); with ECC one wrong bit a unit is mended, two are ROTA_ERR_CORRUPT.
 *   stuck bit   Reads the same whatever happens, an erase too; with ECC as a flipped one.
 *   wear        Erases are counted by sector; past `erase_limit` an erase fails and leaves a half erase.
 *   failures    of one operation, reported or silent, by the supply's plan.
 *
 * The chip's functions take offsets from its start; a region's port takes them from the region's.
 * Errors: ROTA_ERR_IO without power and where the plan or wear says so, ROTA_ERR_CORRUPT from a read that
 * ECC cannot mend, ROTA_ERR_ARGUMENT for what the port's rules forbid, ROTA_ERR_FULL without memory.
 */
#ifndef PORTS_FLASH_SIM_FLASH_SIM_H
#define PORTS_FLASH_SIM_FLASH_SIM_H

#include "ports/flash_sim/cells.h"
#include "ports/flash_sim/supply.h"
#include "rota/port/flash.h"

#define ROTA_FLASH_SIM_STUCK 16 /* bits: enough for any one test */

struct rota_flash_sim_trace;

struct rota_flash_sim_chip {
	/* Sectors are multiples of ROTA_SIM_PAGE_LEN; the runs that are not used are 0. */
	struct rota_flash_run runs[ROTA_FLASH_RUNS_MAX];
	uint32_t write_len; /* program unit: a power of two, at most ROTA_FLASH_WRITE_MAX */
	uint8_t erased; /* 0xFF or 0x00 */
	bool once; /* a unit is programmed once; else programs add up */
	bool ecc;
	uint8_t erase_steps; /* operations an erase of one sector takes: 1 to 100 */
	uint32_t erase_limit; /* erases a sector bears; 0 any number */
};

struct rota_flash_sim_sector {
	uint32_t at;
	uint32_t len;
	uint32_t erases; /* begun */
	uint8_t half_steps; /* of an erase that was stopped; 0 none */
};

struct rota_flash_sim_stuck {
	uint32_t off;
	uint8_t mask; /* one bit */
	uint8_t value; /* 0 or mask */
};

struct rota_flash_sim {
	struct rota_flash_sim_chip chip;
	struct rota_sim_supply *supply;
	struct rota_flash_sim_trace *trace; /* NULL: calls are not kept */
	struct rota_sim_cells cells; /* as they are */
	struct rota_sim_cells synced; /* as they were at the last sync */
	struct rota_flash_sim_sector *sectors;
	uint32_t sector_count;
	uint32_t size; /* bytes */
	uint32_t cuts; /* of the supply, whose losses have been taken */
	uint32_t broken; /* rules of flash that the caller broke */
	struct rota_flash_sim_stuck stuck[ROTA_FLASH_SIM_STUCK];
	uint32_t stuck_count;
};

/* What a chip holds, for rota_flash_sim_restore(): a pointer a page, and a page only where they differ. Starts
 * as { 0 }. */
struct rota_flash_sim_image {
	struct rota_sim_cells cells;
	struct rota_sim_cells synced;
	struct rota_flash_sim_sector *sectors;
};

/* A part of a chip as its user sees it. Do not move it while it is in use. */
struct rota_flash_sim_region {
	struct rota_flash port;
	struct rota_flash_sim *sim;
	uint32_t at; /* where it begins in the chip */
};

/* A blank chip on `supply`, which outlives it. ROTA_ERR_ARGUMENT: a description outside its bounds.
 * Nothing to free after an error. */
ROTA_MUST_USE enum rota_err rota_flash_sim_init(struct rota_flash_sim *sim,
	const struct rota_flash_sim_chip *chip, struct rota_sim_supply *supply);
void rota_flash_sim_free(struct rota_flash_sim *sim);

/* `count` sectors of `sector_len` bytes from `at` on. ROTA_ERR_ARGUMENT: a border of one of them is no
 * border of a sector of the chip. */
ROTA_MUST_USE enum rota_err rota_flash_sim_region(struct rota_flash_sim_region *region,
	struct rota_flash_sim *sim, uint32_t at, uint32_t sector_len, uint32_t count);

/* The sectors that the chip has in [at, at + len), each by itself. The same error. */
ROTA_MUST_USE enum rota_err rota_flash_sim_region_own(struct rota_flash_sim_region *region,
	struct rota_flash_sim *sim, uint32_t at, uint32_t len);

ROTA_MUST_USE enum rota_err rota_flash_sim_read(
	struct rota_flash_sim *sim, uint32_t off, struct rota_buf to);
ROTA_MUST_USE enum rota_err rota_flash_sim_write(
	struct rota_flash_sim *sim, uint32_t off, struct rota_span from);
/* The sectors of [off, off + len), which are whole. */
ROTA_MUST_USE enum rota_err rota_flash_sim_erase(
	struct rota_flash_sim *sim, uint32_t off, uint32_t len);
ROTA_MUST_USE enum rota_err rota_flash_sim_sync(struct rota_flash_sim *sim);

/* The bit of `mask` at `off` is another from now on, until it is erased. */
ROTA_MUST_USE enum rota_err rota_flash_sim_flip(
	struct rota_flash_sim *sim, uint32_t off, uint8_t mask);

/* The bit of `mask` at `off` reads 1 (`one`) or 0 for ever. ROTA_ERR_FULL: above ROTA_FLASH_SIM_STUCK. */
ROTA_MUST_USE enum rota_err rota_flash_sim_stick(
	struct rota_flash_sim *sim, uint32_t off, uint8_t mask, bool one);

/* Erases of the sector that holds `off`; and the most that any sector has had. */
uint32_t rota_flash_sim_erases(const struct rota_flash_sim *sim, uint32_t off);
uint32_t rota_flash_sim_wear(const struct rota_flash_sim *sim);

/* The one operation that a watch was told of, on a chip that holds what the watched one held then. */
ROTA_MUST_USE enum rota_err rota_flash_sim_redo(
	struct rota_flash_sim *sim, const struct rota_sim_op *op);

/* Keep what the chip holds (contents, what of them is not synced, half erases, wear), with power or without.
 * An image may be saved over again, which takes no further memory; the caller frees it at last. Stuck bits
 * stay the chip's. An image goes onto chips of the same description only. */
ROTA_MUST_USE enum rota_err rota_flash_sim_save(
	struct rota_flash_sim *sim, struct rota_flash_sim_image *image);
void rota_flash_sim_restore(struct rota_flash_sim *sim, const struct rota_flash_sim_image *image);
void rota_flash_sim_image_free(struct rota_flash_sim_image *image);

#endif
