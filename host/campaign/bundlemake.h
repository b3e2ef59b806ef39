/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/bundlemake.h -- the rest of a file of key bundles, whose bundles are at their places (SPEC 33.4). */
#ifndef HOST_CAMPAIGN_BUNDLEMAKE_H
#define HOST_CAMPAIGN_BUNDLEMAKE_H

#include "host/campaign/bundlefile.h"

/* `fd`, open for reading and writing, has `size` bundles from ROTA_KEYFILE_BUNDLES_AT on, written in any order: one pass
 * over them makes fan-out, tiles and, last, the head. Half a megabyte of memory. What lies behind the last tile is cut
 * off. The caller syncs before anybody signs the root.
 * ROTA_ERR_LIMIT: size is 0 or above ROTA_KEYBUNDLE_SIZE_MAX, or a bucket is too full. ROTA_ERR_CORRUPT: a bundle that
 * is none, of another index, or whose locator is not above the one before. ROTA_ERR_IO, ROTA_ERR_FULL. */
ROTA_MUST_USE enum rota_err rota_keyfile_finish(int fd, const struct rota_crypto *crypto,
	const uint8_t campaign[static ROTA_SHA256_LEN], uint16_t tree, uint32_t size,
	uint8_t root[static ROTA_SHA256_LEN], struct rota_fail *why);

#endif
