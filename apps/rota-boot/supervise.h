/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-boot/supervise.h -- the reset circuit: boots the device again whenever its image ends. */
#ifndef APPS_ROTA_BOOT_SUPERVISE_H
#define APPS_ROTA_BOOT_SUPERVISE_H

#include "apps/rota-boot/boot.h"

/* Boot, run the image as a child, and boot again when it ends, until SIGTERM or SIGINT (power off: the
 * child is ended first) . SIGHUP resets. An image that ends soon is booted again later each time. `log`:
 * where the image's output goes; NULL: inherited. Returns the exit status. */
int supervise(struct device *d, const char *log);

/* Ask the supervisor of the device for a reset, and wait until an image was booted after it.
 * `timeout_s` is the deadline. Returns the exit status. */
int request_reset(struct device *d, unsigned timeout_s);

#endif
