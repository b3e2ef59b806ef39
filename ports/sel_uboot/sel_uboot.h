/* SPDX-License-Identifier: Apache-2.0 */
/* ports/sel_uboot/sel_uboot.h -- the selector in a U-Boot environment (SPEC 17.2).
 *
 *     BOOT_ORDER="A"      A is confirmed
 *     BOOT_ORDER="B A"    A is confirmed, B is on trial and has BOOT_B_LEFT starts left: 1, then 0
 *
 * docs/boot-loaders.md has the script that U-Boot runs. An environment on block devices or in files; two
 * copies (redundant), where a power cut costs nothing: the one that does not count is written, and counts only
 * once it is whole. A single copy is written in place; one that a cut tore reads as damaged, for U-Boot too,
 * which then runs the environment that is built into it. Raw flash (a character device) is
 * ROTA_ERR_UNSUPPORTED: take the exec backend and fw_setenv there.
 */
#ifndef PORTS_SEL_UBOOT_SEL_UBOOT_H
#define PORTS_SEL_UBOOT_SEL_UBOOT_H

#include "ports/sel_uboot/places.h"
#include "ports/slots_part/selector.h"

struct rota_sel_uboot {
	struct rota_selector port; /* its ctx is this struct: do not move it while it is open */
	const char *config; /* path of fw_env.config */
};

/* `config` lives as long as the port; it is read at each call. */
void rota_sel_uboot_open(struct rota_sel_uboot *s, const char *config);

#endif
