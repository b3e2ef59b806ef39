/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/sel_grub/block.h"

#include <string.h>

#define FIRST_LINE "# GRUB Environment Block\n"

bool rota_grub_block_valid(const uint8_t block[static ROTA_GRUB_BLOCK_LEN])
{
	return memcmp(block, FIRST_LINE, sizeof(FIRST_LINE) - 1) == 0;
}

/* Where the line after the one at `at` begins; 0: this one does not end. As for GRUB, what stands behind a backslash ends
 * no line: a value may have lines of its own, which look like variables. */
static size_t next_line(const uint8_t *block, size_t at)
{
	for (; at < ROTA_GRUB_BLOCK_LEN; at++) {
		if (block[at] == '\n')
			return at + 1;
		at += block[at] == '\\';
	}
	return 0;
}

/* Where the first line of `name` from `at` on begins, *next behind it; the block's length: there is none. Then *next is where
 * the padding begins. */
static size_t find(const uint8_t *block, struct rota_span name, size_t at, size_t *next)
{
	size_t end;

	while ((end = next_line(block, at)) != 0) {
		*next = end;
		if (end - at > name.len + 1 && memcmp(block + at, name.p, name.len) == 0 &&
			block[at + name.len] == '=')
			return at;
		at = end;
	}
	*next = at;
	return ROTA_GRUB_BLOCK_LEN;
}

size_t rota_grub_block_letter(
	const uint8_t block[static ROTA_GRUB_BLOCK_LEN], struct rota_span name)
{
	size_t next, at = find(block, name, 0, &next), further;

	if (at == ROTA_GRUB_BLOCK_LEN || next - at != name.len + 3)
		return 0;
	/* GRUB reads the last one and writes the first: a trial would start for ever. */
	if (find(block, name, next, &further) != ROTA_GRUB_BLOCK_LEN)
		return 0;
	return at + name.len + 1;
}

enum rota_err rota_grub_block_add(
	uint8_t block[static ROTA_GRUB_BLOCK_LEN], struct rota_span name, uint8_t letter)
{
	size_t at;

	if (find(block, name, 0, &at) != ROTA_GRUB_BLOCK_LEN)
		return ROTA_ERR_FORMAT;
	if (name.len + 3 > ROTA_GRUB_BLOCK_LEN - at)
		return ROTA_ERR_FULL;
	memcpy(block + at, name.p, name.len);
	block[at + name.len] = '=';
	block[at + name.len + 1] = letter;
	block[at + name.len + 2] = '\n';
	return ROTA_OK;
}
