/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-boot/show.h -- what the boot stage knows, for a person or a program. */
#ifndef APPS_ROTA_BOOT_SHOW_H
#define APPS_ROTA_BOOT_SHOW_H

#include "apps/rota-boot/device.h"

/* Print boot state, what runs, and both slots, each verified now. Changes nothing. Exit status: 0, also when
 * an image is refused; 1 when the boot state cannot be read. */
int show(struct device *d, bool json);

#endif
