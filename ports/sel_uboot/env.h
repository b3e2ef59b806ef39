/* SPDX-License-Identifier: Apache-2.0 */
/* ports/sel_uboot/env.h -- one copy of a U-Boot environment, as U-Boot and fw_setenv write it.
 *
 *     single      CRC-32 of the data (u32)               data
 *     redundant   CRC-32 of the data (u32)   flag (u8)   data
 *
 * Data are strings NAME=VALUE, each ended by a NUL, then one more NUL; the rest is padding. Integers have the
 * byte order of the board's processor, which is this one's. The flag is not under the CRC; of two valid copies
 * the one with the higher flag counts, where 0 comes after 255. A copy is edited in place: variables that are
 * not asked about stay byte for byte, in their order.
 */
#ifndef PORTS_SEL_UBOOT_ENV_H
#define PORTS_SEL_UBOOT_ENV_H

#include "rota/base/err.h"
#include "rota/base/span.h"

/* The longest that boards use is 256 KiB (QEMU's); twice that. */
#define ROTA_UBOOT_ENV_MAX ((size_t)512 << 10)
/* A CRC, a flag and the two NULs of an empty environment. */
#define ROTA_UBOOT_ENV_MIN ((size_t)16)

struct rota_uboot_env {
	struct rota_buf bytes; /* the copy, whole, in the caller's room */
	bool redundant;
};

/* The CRC is right and the strings end within the copy. */
bool rota_uboot_env_valid(const struct rota_uboot_env *env);

/* Flag of a redundant copy; 0 of a single one. */
uint8_t rota_uboot_env_flag(const struct rota_uboot_env *env);

/* Which of two valid copies U-Boot takes: 0 or 1. */
unsigned rota_uboot_env_newer(const struct rota_uboot_env *a, const struct rota_uboot_env *b);

/* The value of `name`, in place; false: there is none. */
bool rota_uboot_env_get(
	const struct rota_uboot_env *env, struct rota_span name, struct rota_span *value);

/* Set `name`; an empty value removes it, as fw_setenv does. ROTA_ERR_FULL: no room, nothing was changed.
 * seal() has to follow the last one. */
ROTA_MUST_USE enum rota_err rota_uboot_env_set(
	struct rota_uboot_env *env, struct rota_span name, struct rota_span value);

/* Write the CRC and, into a redundant copy, the flag. */
void rota_uboot_env_seal(struct rota_uboot_env *env, uint8_t flag);

#endif
