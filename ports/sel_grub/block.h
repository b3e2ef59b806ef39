/* SPDX-License-Identifier: Apache-2.0 */
/* ports/sel_grub/block.h -- GRUB's environment block, 1,024 bytes of text.
 *
 * A line "# GRUB Environment Block", further lines of comments, lines NAME=VALUE, and `#` up to the end. GRUB
 * takes it or leaves it by its first line; there is no checksum. A value is replaced byte for byte in its
 * place, by GRUB's save_env too, so that a change of one letter is one byte on the disk and no cut can make a
 * third state of it (SPEC 17.3).
 */
#ifndef PORTS_SEL_GRUB_BLOCK_H
#define PORTS_SEL_GRUB_BLOCK_H

#include "rota/base/err.h"
#include "rota/base/span.h"

#define ROTA_GRUB_BLOCK_LEN 1024

/* Whether it begins as one. */
bool rota_grub_block_valid(const uint8_t block[static ROTA_GRUB_BLOCK_LEN]);

/* Where the one-letter value of `name` stands; 0: there is none, it is longer or shorter, or `name` stands twice. */
size_t rota_grub_block_letter(
	const uint8_t block[static ROTA_GRUB_BLOCK_LEN], struct rota_span name);

/* Append NAME=letter; ROTA_ERR_FULL: no room. ROTA_ERR_FORMAT: `name` is there already, and not with one letter once. */
ROTA_MUST_USE enum rota_err rota_grub_block_add(
	uint8_t block[static ROTA_GRUB_BLOCK_LEN], struct rota_span name, uint8_t letter);

#endif
