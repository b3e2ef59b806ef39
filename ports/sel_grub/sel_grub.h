/* SPDX-License-Identifier: Apache-2.0 */
/* ports/sel_grub/sel_grub.h -- the selector in GRUB's environment block (SPEC 17.3).
 *
 * One variable of one letter, `rota`: A, b, x with A confirmed (B is not on trial, to be started, was started),
 * and B, a, y with B confirmed. docs/boot-loaders.md has the lines for grub.cfg. The file is one that
 * `grub-editenv FILE create` made, on a file system where GRUB's save_env works. It is written in place: its
 * blocks stay where GRUB found them, and but for the first time one byte changes.
 */
#ifndef PORTS_SEL_GRUB_SEL_GRUB_H
#define PORTS_SEL_GRUB_SEL_GRUB_H

#include "ports/slots_part/selector.h"

struct rota_sel_grub {
	struct rota_selector port; /* its ctx is this struct: do not move it while it is open */
	const char *file; /* path of grubenv */
};

/* `file` lives as long as the port; it is opened at each call. */
void rota_sel_grub_open(struct rota_sel_grub *s, const char *file);

#endif
