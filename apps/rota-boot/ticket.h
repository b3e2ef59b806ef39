/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-boot/ticket.h -- more time for the watchdog, carried by hand (SPEC 10.9). */
#ifndef APPS_ROTA_BOOT_TICKET_H
#define APPS_ROTA_BOOT_TICKET_H

#include "apps/rota-boot/device.h"

/* Take the ticket in the file at `path`, while the device runs or not. Exit status: 1 when it is refused, with a line
 * that says why. */
int ticket_take(struct device *d, const char *path);

#endif
