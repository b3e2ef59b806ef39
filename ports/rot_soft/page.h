/* SPDX-License-Identifier: Apache-2.0 */
/* ports/rot_soft/page.h -- the keys of a soft root of trust in two sectors of flash, of which one is always erased.
 *
 * Each change writes all keys that stay into the other sector, and erases the one that held them before: so what was
 * destroyed is on no flash any more when the change returns. A sector holds
 *
 *   "RSK" | format 1 | sequence (u32, from 1) | have (u8) | zeros (3) | keys | CRC-32 of all before
 *
 * in whole program units, and behind them a unit with `MARK` in it, written once the other sector has been erased.
 * Where it is missing, a cut came before, and the next open finishes the erase. What a cut left of an erase may read
 * otherwise each time, so a sector without that mark is all there is to go by.
 *
 * The page is judged anew by each open and nothing is kept in between; contents are in the clear.
 */
#ifndef PORTS_ROT_SOFT_PAGE_H
#define PORTS_ROT_SOFT_PAGE_H

#include "rota/port/flash.h"
#include "rota/port/rot.h"

struct rota_soft_pair {
	uint8_t secret[ROTA_P256_SECRET_LEN];
	uint8_t point[ROTA_P256_KEY_LEN];
};

struct rota_soft_keys {
	uint8_t have; /* bit n: pair n; bit 5 + n: wrap key n */
	struct rota_soft_pair pair[ROTA_ROT_KEYS];
	uint8_t wrap[ROTA_ROT_WRAPS][32];
};

struct rota_soft_page {
	const struct rota_flash *flash;
	uint32_t at; /* sector that holds the keys */
	uint32_t sequence; /* its number; 0: blank */
};

/* Bytes that a sector has at least. */
#define ROTA_SOFT_PAGE_LEN 1024

/* Finish what a cut left, and read the keys; none of a blank page. The caller wipes them, after an error too.
 * Where neither sector is whole nothing is there: a first change that was cut leaves the same as damage does.
 * ROTA_ERR_ARGUMENT: not two sectors of ROTA_SOFT_PAGE_LEN or more. ROTA_ERR_IO: the flash fails. */
ROTA_MUST_USE enum rota_err rota_soft_page_open(
	struct rota_soft_page *p, const struct rota_flash *flash, struct rota_soft_keys *keys);

/* Let the page hold `keys` and nothing else. ROTA_ERR_IO: it holds these or those of before. ROTA_ERR_FULL: after 2^32
 * changes. */
ROTA_MUST_USE enum rota_err rota_soft_page_commit(
	struct rota_soft_page *p, const struct rota_soft_keys *keys);

#endif
